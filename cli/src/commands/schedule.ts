import { addressText, resolveResource } from "../address.ts";
import { usageError } from "../command-error.ts";
import { type Context, flagOption, type Invocation, textOption, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { consistencyOption, durationOption, repositoryOption } from "../options.ts";
import { describeSchedule } from "../output/portray.ts";
import { writeAnswer } from "../output/write.ts";
import { policyOption } from "../policy-options.ts";
import { resolveRepository } from "./repository-tend.ts";

export async function addSchedule(invocation: Invocation, context: Context): Promise<number> {
	const cron = textOption(invocation, "cron");
	if (cron === undefined) {
		throw usageError("a schedule needs its times", "--cron '0 3 * * *' (minute hour day month weekday)");
	}
	const given = settingsOf(invocation);
	const repository = repositoryOption(invocation);
	const body = {
		name: wordAt(invocation, 0),
		...(await readTarget(invocation, context)),
		...(repository === undefined ? {} : { repository }),
		timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
		jitterSeconds: 0,
		...given,
	};
	return await post("/schedules", body, context);
}

/** Changes what is given and leaves the rest. Where archives would go its name has to be confirmed. */
export async function editSchedule(invocation: Invocation, context: Context): Promise<number> {
	const { confirm: _confirm, ...given } = settingsOf(invocation);
	if (Object.keys(given).length === 0) {
		throw usageError("nothing was given to change", "--cron '0 4 * * *', or --keep-daily 14");
	}
	return await post(pathOf(invocation, "edit"), settingsOf(invocation), context);
}

export async function pauseSchedule(invocation: Invocation, context: Context): Promise<number> {
	return await post(pathOf(invocation, "pause"), {}, context);
}

/** What was missed while it was paused is not caught up. */
export async function resumeSchedule(invocation: Invocation, context: Context): Promise<number> {
	return await post(pathOf(invocation, "resume"), {}, context);
}

export async function removeSchedule(invocation: Invocation, context: Context): Promise<number> {
	const name = wordAt(invocation, 0);
	const path = pathOf(invocation, "remove");
	const document = await callFor("davit/schedules/1", { method: "POST", path, body: {} }, context);
	writeAnswer(context, { document, ids: [name], text: () => `removed ${name}; its archives stay` });
	return 0;
}

/** What the options say, by the names of a request; what was not given is not among them. */
function settingsOf(invocation: Invocation): Readonly<Record<string, unknown>> {
	const jitter = durationOption(invocation, "jitter");
	const given = {
		cron: textOption(invocation, "cron"),
		timeZone: textOption(invocation, "timeZone"),
		jitterSeconds: jitter === undefined ? undefined : Math.round(jitter),
		consistency: consistencyOption(invocation),
		policy: policyOption(invocation),
		confirm: textOption(invocation, "confirm"),
	};
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function pathOf(invocation: Invocation, verb: string): string {
	return `/schedules/${encodeURIComponent(wordAt(invocation, 0))}/${verb}`;
}

async function post(
	path: string,
	body: Readonly<Record<string, unknown>>,
	context: Context,
): Promise<number> {
	const document = await callFor("davit/schedule/1", { method: "POST", path, body }, context);
	writeAnswer(context, {
		document,
		ids: [document.row.name],
		text: () => describeSchedule(document, context),
	});
	return 0;
}

/**
 * `host/*` is everything on a host; anything else is one resource, written out in full, or with `--check` and `--prune` a
 * repository.
 */
async function readTarget(
	invocation: Invocation,
	context: Context,
): Promise<{ readonly target: string; readonly task?: "check" | "prune" }> {
	const word = wordAt(invocation, 1);
	const tasks = (["check", "prune"] as const).filter((task) => flagOption(invocation, task));
	const [task, ...others] = tasks;
	if (others.length > 0) {
		throw usageError("a schedule does either --check or --prune", "two schedules, the prune an hour later");
	}
	if (task !== undefined) {
		const { host, repository } = await resolveRepository(word, `schedule add NAME --${task}`, context);
		return { target: `${host}/${repository}`, task };
	}
	return { target: word.endsWith("/*") ? word : addressText(await resolveResource(word, context)) };
}
