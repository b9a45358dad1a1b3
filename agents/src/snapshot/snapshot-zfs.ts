import { join, relative } from "node:path";
import type { Method, Tools } from "./method.ts";

/** A snapshot of the data set that the folder lies in; ZFS shows it below `.zfs/snapshot`. */
export const zfs: Method = {
	async find({ folder, mounted, command }, { run, signal }) {
		if (mounted.fileSystem !== "zfs") return undefined;
		if (mounted.root !== "/") return "its data set is mounted in part only";
		const dataSet = mounted.source;
		await run(["zfs", "list", "-H", "-o", "name", dataSet], signal);
		const name = `davit-${command}`;
		const top = join(mounted.point, ".zfs", "snapshot", name);
		const root = join(top, relative(mounted.point, folder));
		return { method: "zfs", of: dataSet, name: `${dataSet}@${name}`, root };
	},
	async take({ name }, { run, signal }) {
		await run(["zfs", "snapshot", name], signal);
	},
	async remove(snapshot, tools) {
		if (await isThere(snapshot, tools)) await tools.run(["zfs", "destroy", snapshot.name], tools.signal);
	},
};

async function isThere(
	{ of, name }: { readonly of: string; readonly name: string },
	{ run, signal }: Tools,
): Promise<boolean> {
	const list = await run(["zfs", "list", "-H", "-t", "snapshot", "-d", "1", "-o", "name", of], signal);
	return list.split("\n").includes(name);
}
