import { dirname, join, relative } from "node:path";
import { isWithin, lstatOrUndefined } from "../resource/place.ts";
import { mountOf } from "../resource/read-mounts.ts";
import { type Ground, type Method, snapshotName, type Tools } from "./method.ts";

/** Of every subvolume's own folder, and of nothing else. */
const subvolumeInode = 256;

/** A read-only snapshot of the subvolume that the folder is or lies in. */
export const btrfs: Method = {
	async find(ground, tools) {
		const { folder, mounted, command } = ground;
		if (mounted.fileSystem !== "btrfs") return undefined;
		const subvolume = await subvolumeOf(folder, mounted.point);
		if (subvolume === undefined) return "no subvolume was found above it";
		const nested = await nestedIn(folder, subvolume, tools);
		if (nested !== undefined) return `a snapshot would leave out the subvolume ${nested}`;
		const above = folderOnSame(ground);
		const name = join(above, snapshotName(command));
		return { method: "btrfs", of: subvolume, name, root: join(name, relative(subvolume, folder)) };
	},
	async take({ of, name }, { run, signal }) {
		await run(["btrfs", "subvolume", "snapshot", "-r", of, name], signal);
	},
	async remove({ name }, { run, signal }) {
		if ((await lstatOrUndefined(name)) === undefined) return;
		await run(["btrfs", "subvolume", "delete", "--commit-after", name], signal);
	},
};

async function subvolumeOf(folder: string, mountPoint: string): Promise<string | undefined> {
	for (let above = folder; isWithin(above, mountPoint); above = dirname(above)) {
		if ((await lstatOrUndefined(above))?.ino === subvolumeInode) return above;
		if (above === mountPoint) return undefined;
	}
	return undefined;
}

/** Beside the folder; in it where that is another file system. */
function folderOnSame({ folder, mounted, mounts }: Ground): string {
	const beside = mountOf(dirname(folder), mounts);
	return beside?.source === mounted.source && folder !== mounted.point ? dirname(folder) : folder;
}

/** A subvolume below the folder: in a snapshot it is an empty folder. Paths are those of the file system's own root. */
async function nestedIn(
	folder: string,
	subvolume: string,
	{ run, signal }: Tools,
): Promise<string | undefined> {
	const [own = "/"] = (await run(["btrfs", "subvolume", "show", subvolume], signal)).split("\n");
	const list = await run(["btrfs", "subvolume", "list", "-o", subvolume], signal);
	const ownRoot = own.trim() === "/" ? "/" : `/${own.trim()}`;
	return list
		.split("\n")
		.flatMap((line) => /^ID \d+ gen \d+ top level \d+ path (.+)$/.exec(line)?.[1] ?? [])
		.map((path) => join(subvolume, relative(ownRoot, `/${path}`)))
		.find((path) => isWithin(path, folder));
}
