import type { RescanDocument } from "@davit/protocol";
import { exitCodes } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { formatBytes, formatCount, formatSeconds } from "../output/format.ts";
import { formatTable, plain } from "../output/table.ts";
import { say, writeAnswer } from "../output/write.ts";

/** Rebuilds what is known of a host's archives from the archives alone. */
export async function rescan(invocation: Invocation, context: Context): Promise<number> {
	const host = encodeURIComponent(wordAt(invocation, 0));
	const call = { method: "POST", path: `/hosts/${host}/rescan`, body: {} } as const;
	const document = await callFor("davit/rescan/1", call, context);
	writeAnswer(context, {
		document,
		ids: document.damages.map(({ archive }) => archive),
		text: () => describe(document),
	});
	if (document.damaged > 0 && !context.wish.json) {
		say(context, "do    restore from another archive of the same resource; davit show ARCHIVE says more");
	}
	const isWhole =
		document.damaged === 0 && document.repositories.every(({ failure }) => failure === undefined);
	return isWhole ? exitCodes.done : exitCodes.partial;
}

function describe(document: RescanDocument): string {
	const { host, resources, archives, damaged, bytes, durationMs, damages, repositories } = document;
	const head = `${host}: ${formatCount(archives, "archive")} of ${formatCount(resources, "resource")}, ${formatBytes(bytes)}, ${damaged} damaged; took ${formatSeconds(durationMs / 1000)}`;
	const rows = damages.map(({ archive, at, why }) => [`  ${archive}`, plain(at), plain(why)]);
	const stores = repositories.map(({ name, archives: held, broughtBack, failure }) =>
		failure === undefined
			? `  repository ${name}: ${formatCount(held, "archive")}, ${broughtBack} of them known again`
			: `  repository ${name} could not be looked into: ${plain(failure)}`,
	);
	return [head, ...(rows.length === 0 ? [] : [formatTable([], rows)]), ...stores].join("\n");
}
