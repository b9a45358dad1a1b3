import { chmodSync, fchmodSync, fchownSync, futimesSync, lchownSync, lutimesSync } from "node:fs";
import { nameOfErrno, type System, systemError } from "./call-system.ts";
import type { Losses } from "./count-losses.ts";
import { locate, placeOf, type RawPath } from "./raw-path.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Setting {
	/** The new tree's root; nobody else writes below it. */
	readonly root: RawPath;
	readonly mayOwn: boolean;
	readonly system: System | undefined;
	readonly losses: Losses;
}

/** Owner, attributes, mode and time, in an order in which none undoes another; never through a symlink. */
export function setMetadata(entry: TreeEntry, setting: Setting): void {
	const path = locate(setting.root, entry.path);
	if (setting.mayOwn) lchownSync(path, entry.uid, entry.gid);
	setAttributes(entry, setting);
	if (entry.type !== "symlink") chmodSync(path, entry.mode);
	setTime(entry, setting);
}

/** The same of a file that is open. */
export function setOpenMetadata(fd: number, entry: TreeEntry, setting: Setting): void {
	if (setting.mayOwn) fchownSync(fd, entry.uid, entry.gid);
	setAttributes(entry, setting);
	fchmodSync(fd, entry.mode);
	const { system } = setting;
	if (system === undefined) futimesSync(fd, seconds(entry), seconds(entry));
	else refuseFailed(system.setOpenTime(fd, entry.mtimeNs), entry, setting);
}

function setAttributes({ path, xattrs }: TreeEntry, { root, system, losses }: Setting): void {
	for (const [name, value] of xattrs ?? []) {
		const answer = system?.setAttribute(placeOf(root, path), name, value);
		if (answer === 0) continue;
		const why = answer === undefined ? "this machine has no call for it" : nameOfErrno(answer);
		losses.add(`the attribute ${name} could not be set (${why})`, path);
	}
}

function setTime(entry: TreeEntry, setting: Setting): void {
	const { root, system } = setting;
	if (system === undefined) lutimesSync(locate(root, entry.path), seconds(entry), seconds(entry));
	else refuseFailed(system.setTime(placeOf(root, entry.path), entry.mtimeNs), entry, setting);
}

function refuseFailed(answer: number, { path }: TreeEntry, { root }: Setting): void {
	if (answer < 0) throw systemError(answer, { call: "utimensat", path: placeOf(root, path) });
}

/** Node takes times as doubles: the result is within a microsecond of the wanted one. */
function seconds({ mtimeNs }: TreeEntry): number {
	return Number(mtimeNs) / 1e9;
}
