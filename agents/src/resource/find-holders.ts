import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { isForbidden, isMissing, isWithin } from "./place.ts";

export interface HoldersWish {
	/** The folder that is about to be moved, without symbolic links. */
	readonly folder: string;
	/** First processes of containers that will be stopped: they and what runs in their mounts is known. */
	readonly known: readonly number[];
	/** Where the kernel tells of its processes; a test has its own. */
	readonly proc?: string;
}

/**
 * A sentence each, as in `bash (pid 812) has /srv/photos/notes open`: processes of this machine that have something open in a folder, stand in it, or see it under another name; and such mounts of this
 * machine itself. Only root sees all of them.
 */
export async function findHolders({
	folder,
	known,
	proc = "/proc",
}: HoldersWish): Promise<readonly string[]> {
	const own = await readMounts(join(proc, "self"));
	const disk = diskOf(folder, own);
	const ownSpace = await linkOf(join(proc, "self/ns/mnt"));
	const knownSpaces = new Set(await Promise.all(known.map((pid) => linkOf(join(proc, `${pid}/ns/mnt`)))));
	const holders = otherNames(own, disk).map(({ source, point }) => `${source} is also mounted at ${point}`);
	const seen = new Set([ownSpace]);
	for (const pid of await pidsIn(proc)) {
		const of = join(proc, String(pid));
		const space = await linkOf(join(of, "ns/mnt"));
		if (pid === process.pid || space === undefined || knownSpaces.has(space)) continue;
		const held = (await findOpen(of, folder)) ?? (await seesMount(of, { space, disk, seen }));
		if (held !== undefined) holders.push(`${await nameOf(of)} (pid ${pid}) ${held}`);
	}
	return holders;
}

interface Mount {
	/** `major:minor` of its file system. */
	readonly device: string;
	/** What of the file system is mounted. */
	readonly root: string;
	readonly point: string;
}

/** Where a folder lies on its file system, whatever it is called. */
interface Disk {
	readonly device: string;
	readonly path: string;
	readonly folder: string;
}

function diskOf(folder: string, mounts: readonly Mount[]): Disk | undefined {
	const around = mounts
		.filter(({ point }) => isWithin(folder, point))
		.reduce<Mount | undefined>(
			(best, one) => (one.point.length >= (best?.point.length ?? 0) ? one : best),
			undefined,
		);
	if (around === undefined) return undefined;
	const below = folder.slice(around.point === "/" ? 0 : around.point.length);
	const path = around.root === "/" ? below : `${around.root}${below}`;
	return { device: around.device, path, folder };
}

/** Mounts of the folder, or of something in it, under another name. */
function otherNames(
	mounts: readonly Mount[],
	disk: Disk | undefined,
): (Mount & { readonly source: string })[] {
	if (disk === undefined) return [];
	return mounts
		.filter(
			({ device, root, point }) =>
				device === disk.device && isWithin(root, disk.path) && !isWithin(point, disk.folder),
		)
		.map((mount) => ({ ...mount, source: `${disk.folder}${mount.root.slice(disk.path.length)}` }));
}

interface Seeing {
	readonly space: string;
	readonly disk: Disk | undefined;
	/** Mount namespaces that were looked at already. */
	readonly seen: Set<string | undefined>;
}

/** Whether the process lives among mounts of its own, one of which is the folder; each such set of mounts is told once. */
async function seesMount(of: string, { space, disk, seen }: Seeing): Promise<string | undefined> {
	if (seen.has(space)) return undefined;
	seen.add(space);
	const [mount] = otherNames(await readMounts(of), disk);
	return mount === undefined ? undefined : `has ${mount.source} mounted at ${mount.point}`;
}

/** What the process has open, or stands in, below the folder. */
async function findOpen(of: string, folder: string): Promise<string | undefined> {
	for (const name of ["cwd", "root", "exe"]) {
		const link = await linkOf(join(of, name));
		if (link !== undefined && isWithin(link, folder)) {
			return name === "exe" ? `runs ${link}` : `stands in ${link}`;
		}
	}
	const links = await Promise.all((await namesIn(join(of, "fd"))).map((fd) => linkOf(join(of, "fd", fd))));
	const open = links.find((link) => link !== undefined && isWithin(link, folder));
	return open === undefined ? undefined : `has ${open} open`;
}

async function pidsIn(proc: string): Promise<number[]> {
	return (await namesIn(proc)).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function nameOf(of: string): Promise<string> {
	const name = await readOrNothing(join(of, "comm"));
	return name.trim() || "a process";
}

/** proc(5): device, root and mount point are the third, fourth and fifth fields. */
async function readMounts(of: string): Promise<Mount[]> {
	const table = await readOrNothing(join(of, "mountinfo"));
	return table.split("\n").flatMap((line) => {
		const [, , device, root, point] = line.split(" ");
		if (device === undefined || root === undefined || point === undefined) return [];
		return [{ device, root: unescapeOctal(root), point: unescapeOctal(point) }];
	});
}

function unescapeOctal(text: string): string {
	return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
		String.fromCharCode(Number.parseInt(digits, 8)),
	);
}

async function linkOf(path: string): Promise<string | undefined> {
	return readlink(path).catch(nothingWhereGone);
}

async function namesIn(path: string): Promise<string[]> {
	return (await readdir(path).catch(nothingWhereGone)) ?? [];
}

async function readOrNothing(path: string): Promise<string> {
	return (await readFile(path, "utf8").catch(nothingWhereGone)) ?? "";
}

/** A process may end while it is looked at, and of another's only root may see all. */
function nothingWhereGone(error: unknown): undefined {
	const isEnded =
		error instanceof Error && "code" in error && (error.code === "ESRCH" || error.code === "EINVAL");
	if (isEnded || isMissing(error) || isForbidden(error)) return undefined;
	throw error;
}
