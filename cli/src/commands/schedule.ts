import { addressText, resolveResource } from "../address.ts";
import { usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { consistencyOption, durationOption, numberOption } from "../options.ts";
import { describeSchedule } from "../output/portray.ts";
import { writeAnswer } from "../output/write.ts";

export async function addSchedule(invocation: Invocation, context: Context): Promise<number> {
	const cron = textOption(invocation, "cron");
	if (cron === undefined) {
		throw usageError("a schedule needs its times", "--cron '0 3 * * *' (minute hour day month weekday)");
	}
	const consistency = consistencyOption(invocation);
	const keepLast = numberOption(invocation, "keepLast");
	const body = {
		name: wordAt(invocation, 0),
		target: await readTarget(wordAt(invocation, 1), context),
		cron,
		timeZone: textOption(invocation, "timeZone") ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
		jitterSeconds: Math.round(durationOption(invocation, "jitter") ?? 0),
		...(consistency === undefined ? {} : { consistency }),
		...(keepLast === undefined ? {} : { keepLast }),
	};
	const document = await callFor("davit/schedule/1", { method: "POST", path: "/schedules", body }, context);
	writeAnswer(context, {
		document,
		ids: [document.row.name],
		text: () => describeSchedule(document, context),
	});
	return 0;
}

export async function removeSchedule(invocation: Invocation, context: Context): Promise<number> {
	const name = wordAt(invocation, 0);
	const path = `/schedules/${encodeURIComponent(name)}/remove`;
	const document = await callFor("davit/schedules/1", { method: "POST", path, body: {} }, context);
	writeAnswer(context, { document, ids: [name], text: () => `removed ${name}; its archives stay` });
	return 0;
}

/** `host/*` is everything on a host; anything else is one resource, written out in full. */
async function readTarget(word: string, context: Context): Promise<string> {
	return word.endsWith("/*") ? word : addressText(await resolveResource(word, context));
}
