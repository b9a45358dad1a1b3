import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { mountOf } from "../resource/read-mounts.ts";
import { type Method, snapshotName } from "./method.ts";

const fileSystems: ReadonlySet<string> = new Set(["xfs", "btrfs", "bcachefs"]);

/** A copy beside the folder that shares its blocks (FICLONE). It is no moment's by itself: nothing may write meanwhile. */
export const reflink: Method = {
	async find({ folder, mounted, mounts, command }, { run, signal }) {
		if (!fileSystems.has(mounted.fileSystem)) return undefined;
		const above = dirname(folder);
		if (folder === mounted.point || mountOf(above, mounts)?.point !== mounted.point) {
			return "a copy by reference needs the folder above it on the same file system";
		}
		const version = await run(["cp", "--version"], signal);
		if (!version.includes("coreutils")) return "cp is not that of GNU coreutils";
		const name = join(above, snapshotName(command));
		return { method: "reflink", of: folder, name, root: name };
	},
	async take({ of, name }, { run, signal }) {
		await run(["cp", "--archive", "--reflink=always", "--no-target-directory", "--", of, name], signal);
	},
	async remove({ name }) {
		await rm(name, { recursive: true, force: true });
	},
};
