import { type BrowsedEntry, Bytes, entriesAtMost, instantOf, resourceOf } from "@davit/protocol";
import { browseFolder } from "../files/browse-folder.ts";
import { encodeRaw, type RawPath, rawOf, rootPath, showRaw } from "../files/raw-path.ts";
import type { TreeEntry } from "../files/tree-entry.ts";
import type { Reading } from "../operation.ts";
import { fitPage } from "./fit-page.ts";
import { requireOwnArchive } from "./require-own-archive.ts";

/** Lists one folder of an archive, a page at a time. */
export const browse: Reading<"volume.browse" | "path.browse"> = {
	async read(params, context, signal) {
		const { archive, folder = "", from = 0 } = params;
		const found = await requireOwnArchive(archive, resourceOf(params), context.archives);
		const opened = await context.archives.equip({ kind: "browse", archive: found.folder });
		const listing = await browseFolder({
			...{ opened, manifest: found.manifest },
			...{ from, count: entriesAtMost, signal },
			folder: folder === "" ? rootPath : rawOf(folder),
		});
		const entries = fitPage(listing.entries.map(browsedEntry));
		const next = from + entries.length < listing.total && entries.length > 0 ? from + entries.length : null;
		return { state: "succeeded", result: { archive, folder, entries, total: listing.total, from, next } };
	},
};

function browsedEntry(entry: TreeEntry): BrowsedEntry {
	const { path, type, size, mode, uid, gid, target, skipped } = entry;
	const raw: RawPath = path.slice(path.lastIndexOf("/") + 1);
	const name = encodeRaw(raw);
	const modifiedAt = momentOf(entry);
	return {
		...("text" in name ? { name: name.text } : { name: showRaw(raw), nameBytes: name.base64 }),
		...{ type, size: Bytes.parse(size), mode, uid, gid },
		...(modifiedAt === undefined ? {} : { modifiedAt }),
		...(target === undefined ? {} : { target: showRaw(target) }),
		...(skipped === undefined ? {} : { skipped: skipped.slice(0, 200) }),
	};
}

/** Years with four digits are what an instant can say. */
function momentOf({ mtimeNs }: TreeEntry): BrowsedEntry["modifiedAt"] {
	const ms = Number(mtimeNs / 1_000_000n);
	return ms >= Date.UTC(0, 0) && ms < Date.UTC(10_000, 0) ? instantOf(ms) : undefined;
}
