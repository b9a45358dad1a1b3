import {
	type ArchiveContentDocument,
	BackupChoice,
	type DifferencesDocument,
	type PreviewDocument,
} from "@davit/protocol";
import type { Desk } from "../desk.ts";
import type { Exchange } from "./exchange.ts";
import type { Frame, Page } from "./page.ts";
import { contentPage } from "./pages/content.ts";
import { differencesPage } from "./pages/differences.ts";
import { previewPage } from "./pages/preview.ts";
import { Refusal } from "./refusal.ts";

/** Something that only a host can tell, and that does not change while one looks at it. */
export interface FarLook {
	readonly document: ArchiveContentDocument | DifferencesDocument | PreviewDocument;
	render(frame: Frame): Page;
}

type FarDesk = Pick<Desk, "browse" | "diff" | "preview" | "resource">;
type FarExchange = Pick<Exchange, "path" | "query" | "principal" | "signal">;

/** Asks the host; undefined where the address is not of such a thing. @throws OperationError why it did not answer */
export function findFarLook(desk: FarDesk, exchange: FarExchange): Promise<FarLook> | undefined {
	const { path, query, principal, signal } = exchange;
	const [place, archive, what, ...rest] = path;
	if (place === "resources" && rest.length === 1) return findPreview(desk, exchange);
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

/** Of `resources/HOST/RESOURCE/preview`. */
function findPreview(
	desk: FarDesk,
	{ path: [, name = "", id = "", what], principal, signal }: FarExchange,
): Promise<FarLook> | undefined {
	if (what !== "preview") return undefined;
	const { host, resource } = desk.resource(name, id).row;
	return desk
		.preview({ host, resource, choice: BackupChoice.parse({}) }, principal, signal)
		.then((document) => ({
			document,
			render: (frame) => previewPage(document, frame),
		}));
}

function readFrom(query: URLSearchParams): number {
	const from = query.get("from") ?? "0";
	if (/^\d{1,9}$/.test(from)) return Number(from);
	throw new Refusal(400, "from is the number of an entry, counted from 0, this one is not", {
		hint: "leave from out",
	});
}
