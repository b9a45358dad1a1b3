import type { PlanDocument } from "@davit/protocol";
import { CommandError, exitCodes } from "../command-error.ts";
import { type Context, flagOption, type Invocation, textOption } from "../context.ts";
import { callFor } from "../door/call.ts";
import { durationOption } from "../options.ts";
import { formatSeconds } from "../output/format.ts";
import { shortAddress } from "../output/short-address.ts";
import { reportDetached } from "./detach.ts";
import { watchRuns } from "./watch-runs.ts";

/** Carries out exactly this plan, once its resource was named, and watches it to its end. */
export async function applyPlan(
	plan: PlanDocument,
	invocation: Invocation,
	context: Context,
): Promise<number> {
	const timeoutSeconds = durationOption(invocation, "timeout");
	const confirm = textOption(invocation, "confirm") ?? (await askForName(plan, context));
	const call = { method: "POST", path: `/plans/${plan.plan}/apply`, body: { confirm } } as const;
	const { run } = await callFor("davit/started/1", call, context);
	if (flagOption(invocation, "detach")) return reportDetached({ runs: [run] }, context);
	return await watchRuns({ runs: [run], identify: "run", timeoutSeconds }, context);
}

/** @throws CommandError confirmation-missing when nobody can be asked, or something else was typed */
async function askForName(plan: PlanDocument, context: Context): Promise<string> {
	const address = shortAddress({ host: plan.host, resource: plan.facts.resource });
	if (!context.wish.mayAsk) {
		throw unconfirmed(
			plan,
			`${plan.facts.action} replaces ${address} and needs its name, but there is no terminal to ask`,
		);
	}
	let typed: string;
	try {
		typed = await context.ask(`type ${plan.confirm} to replace ${address}: `, context.signal);
	} catch (error) {
		if (context.signal.aborted) throw error;
		throw unconfirmed(plan, `${plan.facts.action} of ${address} was not confirmed; nothing was changed`);
	}
	if (typed.trim() === plan.confirm) return plan.confirm;
	throw unconfirmed(plan, `"${typed.trim()}" is not ${plan.confirm}; nothing was changed`);
}

function unconfirmed(plan: PlanDocument, message: string): CommandError {
	const { facts } = plan;
	const down =
		facts.downtimeSeconds === undefined
			? "time down not measured yet"
			: `down about ${formatSeconds(facts.downtimeSeconds)}`;
	return new CommandError(message, {
		code: "confirmation-missing",
		exitCode: exitCodes.usage,
		why: [
			`${facts.replaces} replaced, ${facts.adds} added, ${facts.removes} removed, ${down} (plan ${plan.plan})`,
		],
		next: `davit apply ${plan.plan} --confirm ${shellWord(plan.confirm)}`,
	});
}

/** A word that a shell reads as it stands, or quoted. */
function shellWord(word: string): string {
	return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
