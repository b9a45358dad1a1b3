import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ArchiveId } from "@davit/protocol";
import { boundFiles, type KeptArchive, type Shelf } from "./open-shelf.ts";

export const kindsOfDamage = [
	"flip",
	"cut",
	"flip",
	"deletion",
	"flip",
	"overwriting",
	"flip",
	"swap of a file",
	"cut",
	"exchange of files",
	"flip",
	"exchange of archives",
	"flip",
	"copy with the same id",
] as const;
export type KindOfDamage = (typeof kindsOfDamage)[number];

export interface Damaged {
	/** Those that must be refused now. */
	readonly archives: readonly ArchiveId[];
	readonly label: string;
	mend(): void;
}

type Chance = (below: number) => number;

/** Does something to archives on the disk that really changes what is there. */
export function damageOf(kind: KindOfDamage, { kept }: Shelf, chance: Chance): Damaged {
	const one = pick(kept, chance);
	const other = pick(
		kept.filter(({ archive }) => archive !== one.archive),
		chance,
	);
	switch (kind) {
		case "flip":
			return rewritten(one, chance, (bytes) => flipped(bytes, chance));
		case "cut":
			return rewritten(one, chance, (bytes) => bytes.subarray(0, chance(bytes.length)));
		case "overwriting":
			return rewritten(one, chance, (bytes) => overwritten(bytes, chance));
		case "deletion":
			return deleted(one, chance);
		case "swap of a file":
			return swapped(one, other, { chance, isExchange: false });
		case "exchange of files":
			return swapped(one, other, { chance, isExchange: true });
		case "exchange of archives":
			return exchanged(one, other);
		case "copy with the same id":
			return copied(one, other, chance);
		default:
			return kind satisfies never;
	}
}

function rewritten(one: KeptArchive, chance: Chance, change: (bytes: Buffer) => Buffer): Damaged {
	const name = pick(boundFiles, chance);
	const good = contentOf(one, name);
	const bad = change(good);
	if (bad.equals(good)) return rewritten(one, chance, change);
	writeFileSync(join(one.folder, name), bad);
	return {
		archives: [one.archive],
		label: `${name} of ${one.archive} rewritten with ${bad.length} bytes`,
		mend: () => writeFileSync(join(one.folder, name), good),
	};
}

function deleted(one: KeptArchive, chance: Chance): Damaged {
	const name = pick(boundFiles, chance);
	rmSync(join(one.folder, name));
	return {
		archives: [one.archive],
		label: `${name} of ${one.archive} deleted`,
		mend: () => writeFileSync(join(one.folder, name), contentOf(one, name)),
	};
}

function swapped(
	one: KeptArchive,
	other: KeptArchive,
	{ chance, isExchange }: { readonly chance: Chance; readonly isExchange: boolean },
): Damaged {
	// The script is the same in all archives.
	const names = boundFiles.filter((name) => !contentOf(one, name).equals(contentOf(other, name)));
	const name = pick(names, chance);
	writeFileSync(join(one.folder, name), contentOf(other, name));
	if (isExchange) writeFileSync(join(other.folder, name), contentOf(one, name));
	return {
		archives: isExchange ? [one.archive, other.archive] : [one.archive],
		label: `${name} of ${one.archive} is that of ${other.archive}${isExchange ? ", and the reverse" : ""}`,
		mend() {
			writeFileSync(join(one.folder, name), contentOf(one, name));
			if (isExchange) writeFileSync(join(other.folder, name), contentOf(other, name));
		},
	};
}

/** Each whole, in the other's place. */
function exchanged(one: KeptArchive, other: KeptArchive): Damaged {
	const exchange = () => {
		renameSync(one.folder, `${one.folder}-away`);
		renameSync(other.folder, one.folder);
		renameSync(`${one.folder}-away`, other.folder);
	};
	exchange();
	return {
		archives: [one.archive, other.archive],
		label: `${one.archive} and ${other.archive} lie in each other's place`,
		mend: exchange,
	};
}

/** A second folder with its id: at another time, or below another resource. */
function copied(one: KeptArchive, other: KeptArchive, chance: Chance): Damaged {
	const isElsewhere = chance(2) === 0 && other.resource !== one.resource;
	const parent = isElsewhere ? dirname(other.folder) : dirname(one.folder);
	const name = isElsewhere ? basename(one.folder) : `20250101T000000Z-${one.archive}`;
	// Either the same, or another archive that only says so by its folder.
	cpSync(chance(2) === 0 ? one.folder : other.folder, join(parent, name), { recursive: true });
	return {
		archives: [one.archive],
		label: `${one.archive} is there twice, also as ${join(basename(parent), name)}`,
		mend: () => rmSync(join(parent, name), { recursive: true }),
	};
}

function flipped(bytes: Buffer, chance: Chance): Buffer {
	const bad = Buffer.from(bytes);
	const at = chance(bad.length);
	bad[at] = (bad[at] ?? 0) ^ (1 << chance(8));
	return bad;
}

function overwritten(bytes: Buffer, chance: Chance): Buffer {
	const bad = Buffer.from(bytes);
	const at = chance(bad.length);
	return bad.fill(0, at, Math.min(bad.length, at + 1 + chance(64)));
}

function contentOf({ archive, files }: KeptArchive, name: string): Buffer {
	const content = files.get(name);
	if (content === undefined) throw new Error(`archive ${archive} has no ${name}`);
	return content;
}

function pick<Item>(items: readonly Item[], chance: Chance): Item {
	const item = items[chance(items.length)];
	if (item === undefined) throw new Error("there is nothing to pick from");
	return item;
}
