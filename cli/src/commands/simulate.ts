import { policyText, type SimulationDocument } from "@davit/protocol";
import { resolveAddress } from "../address.ts";
import { CommandError } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { numberOption } from "../options.ts";
import { formatBytes, formatCount, formatInstant } from "../output/format.ts";
import { formatTable, plain } from "../output/table.ts";
import { writeAnswer } from "../output/write.ts";
import { policyOption } from "../policy-options.ts";

const mostShown = 5;

/** What would be kept and removed, now and in the days to come; changes nothing. */
export async function simulate(invocation: Invocation, context: Context): Promise<number> {
	const policy = policyOption(invocation);
	const days = numberOption(invocation, "days");
	const query = new URLSearchParams({ of: await nameOf(wordAt(invocation, 0), context) });
	if (days !== undefined) query.set("days", String(days));
	for (const [field, value] of fieldsOf(policy)) query.set(field, String(value));
	const document = await callFor(
		"davit/simulation/1",
		{ method: "GET", path: `/simulations?${query}` },
		context,
	);
	writeAnswer(context, {
		document,
		ids: goingOf(document),
		text: () => tellSimulation(document),
	});
	return 0;
}

/** A schedule's name as it is; an address in full. */
async function nameOf(word: string, context: Context): Promise<string> {
	try {
		await callFor(
			"davit/schedule/1",
			{ method: "GET", path: `/schedules/${encodeURIComponent(word)}` },
			context,
		);
		return word;
	} catch (error) {
		if (!(error instanceof CommandError) || (error.exitCode !== 10 && error.exitCode !== 2)) throw error;
	}
	const { host, resource } = await resolveAddress(word, context);
	return resource === null ? host : `${host}/${resource}`;
}

function fieldsOf(policy: ReturnType<typeof policyOption>): (readonly [string, string | number])[] {
	if (policy === undefined) return [];
	const { withinSeconds, timeZone, graceSeconds, ...counts } = policy;
	return [
		...Object.entries(counts).flatMap(([rule, count]) =>
			count === undefined ? [] : [[rule, count] as const],
		),
		...(withinSeconds === undefined ? [] : [["within", withinSeconds] as const]),
		...(timeZone === undefined ? [] : [["keepZone", timeZone] as const]),
		...(graceSeconds === undefined ? [] : [["grace", graceSeconds] as const]),
	];
}

/** The archives that would go now. */
function goingOf({ resources }: SimulationDocument): string[] {
	return resources.flatMap(({ today }) => today.flatMap(({ id, kept }) => (kept || id === null ? [] : id)));
}

function tellSimulation({ today, end, days, resources, more }: SimulationDocument): string {
	const parts = resources.slice(0, mostShown).map((resource) => {
		const rows = resource.today.map((row) => [
			row.id ?? "to come",
			formatInstant(row.takenAt),
			formatBytes(row.bytes),
			row.kept
				? row.reasons.join(" ")
				: row.goesAt === null
					? "removed"
					: `goes ${formatInstant(row.goesAt)}`,
		]);
		const held = resource.heldBecause === null ? "" : `\nheld: ${plain(resource.heldBecause)}`;
		const table =
			rows.length === 0 ? "no archives yet" : formatTable(["ARCHIVE", "TAKEN", "SIZE", "KEPT BECAUSE"], rows);
		return `${plain(resource.address)}: ${policyText(resource.policy)}${held}\n${table}`;
	});
	const left = resources.length + more - parts.length;
	return [
		...parts,
		...(left > 0 ? [`and ${formatCount(left, "more resource")}`] : []),
		`today: removes ${formatCount(today.removes, "archive")}, frees ${formatBytes(today.freesBytes)}; in ${formatCount(days, "day")}: ${formatCount(end.kept, "archive")} kept, about ${formatBytes(end.bytes)}`,
	].join("\n\n");
}
