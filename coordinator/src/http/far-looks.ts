import type { ArchiveContentDocument, DifferencesDocument } from "@davit/protocol";
import type { Desk } from "../desk.ts";
import type { Exchange } from "./exchange.ts";
import type { Frame, Page } from "./page.ts";
import { contentPage } from "./pages/content.ts";
import { differencesPage } from "./pages/differences.ts";
import { Refusal } from "./refusal.ts";

/** Something that only a host can tell, and that does not change while one looks at it. */
export interface FarLook {
	readonly document: ArchiveContentDocument | DifferencesDocument;
	render(frame: Frame): Page;
}

/** Asks the host; undefined where the address is not of such a thing. @throws OperationError why it did not answer */
export function findFarLook(
	desk: Pick<Desk, "browse" | "diff">,
	{ path, query, principal, signal }: Pick<Exchange, "path" | "query" | "principal" | "signal">,
): Promise<FarLook> | undefined {
	const [place, archive, what, ...rest] = path;
	if (place !== "archives" || archive === undefined || rest.length > 0) return undefined;
	const from = readFrom(query);
	if (what === "content") {
		const folder = (query.get("folder") ?? "").replace(/\/$/, "");
		return desk.browse({ archive, folder, from }, principal, signal).then((document) => ({
			document,
			render: (frame) => contentPage(document, frame),
		}));
	}
	if (what !== "differences") return undefined;
	const against = query.get("against")?.trim() ?? "live";
	return desk.diff({ archive, against, from }, principal, signal).then((document) => ({
		document,
		render: (frame) => differencesPage(document, frame),
	}));
}

function readFrom(query: URLSearchParams): number {
	const from = query.get("from") ?? "0";
	if (/^\d{1,9}$/.test(from)) return Number(from);
	throw new Refusal(400, "from is the number of an entry, counted from 0, this one is not", {
		hint: "leave from out",
	});
}
