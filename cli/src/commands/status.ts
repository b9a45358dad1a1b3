import type { StatusDocument } from "@davit/protocol";
import { exitCodes } from "../command-error.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { addressOfRun } from "../output/describe.ts";
import { formatClock, formatRelative, markOf } from "../output/format.ts";
import { formatTable, plain } from "../output/table.ts";
import { writeAnswer } from "../output/write.ts";

/** Answers the one question: is everything safe, and what needs me? */
export async function showStatus(invocation: Invocation, context: Context): Promise<number> {
	const isCheck = flagOption(invocation, "check");
	const [address] = invocation.words;
	if (address !== undefined) {
		const { showAddress } = await import("./show.ts");
		const state = await showAddress(address, context);
		return isCheck && state !== "safe" && state !== "ignored" ? exitCodes.failed : exitCodes.done;
	}
	const status = await callFor("davit/status/1", { method: "GET", path: "/" }, context);
	writeAnswer(context, {
		document: status,
		ids: status.needs.map((need) => need.address),
		text: () => describe(status, context),
	});
	const needsSomeone = status.needs.length + status.needsMore > 0;
	return isCheck && needsSomeone ? exitCodes.failed : exitCodes.done;
}

function describe(status: StatusDocument, context: Context): string {
	const { out } = context;
	const { verdict } = status;
	const lines = [
		`${markOf(verdict.state, out)} ${out.style("bold", plain(verdict.sentence))}   ${out.style("gray", `as of ${formatClock(status.asOf)}`)}`,
	];
	if (status.needs.length > 0) lines.push(indent(needs(status, context)));
	if (status.needsMore > 0) lines.push(`  and ${status.needsMore} more: davit list resources`);
	for (const run of status.now) {
		lines.push(
			`now   ${run.run}  ${addressOfRun(run)}  ${plain(run.operation)} ${plain(run.progress?.step ?? run.state)}`,
		);
	}
	const [next] = status.next;
	if (next !== undefined) {
		lines.push(
			`next  ${plain(next.schedule)} ${formatRelative(next.at, context.now())} (${plain(next.target)})`,
		);
	}
	if (status.recovery !== undefined) {
		lines.push(`kit   ${plain(status.recovery.sentence)} ${out.style("cyan", plain(status.recovery.do))}`);
	}
	if (!status.broker.connected) lines.push(`broker  ${plain(status.broker.name)} is not connected`);
	return lines.join("\n");
}

function needs(status: StatusDocument, { out }: Context): string {
	const rows = status.needs.map((need) => [
		`${markOf(need.state, out)} ${plain(need.address)}`,
		plain(need.sentence),
		out.style("cyan", plain(need.do)),
	]);
	return formatTable([], rows);
}

function indent(text: string): string {
	return text.replaceAll(/^/gm, "  ");
}
