import { mkdir, rmdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import { isFolder } from "../resource/place.ts";
import { readMounts } from "../resource/read-mounts.ts";
import type { Method, Snapshot, Tools } from "./method.ts";

/** lvs(8) with `--reportformat json` writes every value as text. */
const Volumes = z.object({
	report: z
		.array(
			z.object({
				lv: z.array(
					z.object({
						vg_name: z.string(),
						lv_name: z.string(),
						lv_size: z.coerce.number(),
						vg_free: z.coerce.number(),
						pool_lv: z.string(),
					}),
				),
			}),
		)
		.min(1),
});
type Volume = z.infer<typeof Volumes>["report"][number]["lv"][number];

/** A snapshot of the logical volume that the folder lies on, mounted read-only in the agent's home. */
export const lvm: Method = {
	async find({ folder, mounted, command, home }, tools) {
		if (!/^\/dev\/(?:mapper|[^/]+)\/[^/]+$/.test(mounted.source)) return undefined;
		const volume = await describe(mounted.source, tools);
		if (volume === undefined) return undefined;
		const { vg_name: group, lv_name: origin } = volume;
		const isThin = volume.pool_lv !== "";
		const sizeBytes = roomFor(volume);
		if (!isThin && sizeBytes === undefined) return `volume group ${group} has too little free room`;
		const point = join(home, "agent", "snapshots", command);
		const inner = join(mounted.root, relative(mounted.point, folder));
		return {
			...{ method: "lvm", of: `${group}/${origin}`, name: `${group}/davit-${command}` },
			root: join(point, inner),
			mount: {
				...{ point, fileSystem: mounted.fileSystem },
				...(isThin || sizeBytes === undefined ? {} : { sizeBytes }),
			},
		};
	},
	async take({ of, name, mount }, { run, signal }) {
		if (mount === undefined) throw new TypeError("a snapshot of LVM without a mount");
		const [, own = ""] = name.split("/");
		const size =
			mount.sizeBytes === undefined ? ["--setactivationskip", "n"] : ["--size", `${mount.sizeBytes}b`];
		await run(["lvcreate", "--snapshot", ...size, "--name", own, of], signal);
		await mkdir(mount.point, { recursive: true, mode: 0o700 });
		// XFS refuses a second file system with the same name while the first is mounted.
		const options = mount.fileSystem === "xfs" ? "ro,nouuid" : "ro";
		const argv = ["mount", "-t", mount.fileSystem, "-o", options, `/dev/${name}`, mount.point] as const;
		await run(argv, signal);
	},
	async remove({ of, name, mount }, tools) {
		const { run, signal } = tools;
		if (mount !== undefined) {
			const isMounted = (await readMounts()).some(({ point }) => point === mount.point);
			if (isMounted) await run(["umount", mount.point], signal);
			if (await isFolder(mount.point)) await rmdir(mount.point);
		}
		if (await isThere({ of, name }, tools)) await run(["lvremove", "--yes", name], signal);
	},
};

/** A fifth of the volume's size, or what is left; undefined where that is less than a twentieth. In whole sectors. */
function roomFor({ lv_size: size, vg_free: free }: Volume): number | undefined {
	const room = Math.min(size / 5, free);
	return room < size / 20 ? undefined : Math.floor(room / 512) * 512;
}

/** Undefined where the device is no logical volume. */
async function describe(device: string, { run, signal }: Tools): Promise<Volume | undefined> {
	const fields = "vg_name,lv_name,lv_size,vg_free,pool_lv";
	const list = ["lvs", "--reportformat", "json", "--units", "b", "--nosuffix"] as const;
	const found = Volumes.parse(JSON.parse(await run([...list, "-o", fields, device], signal)));
	return found.report[0]?.lv[0];
}

async function isThere(
	{ of, name }: Pick<Snapshot, "of" | "name">,
	{ run, signal }: Tools,
): Promise<boolean> {
	const [group = "", own = ""] = [of.split("/")[0], name.split("/")[1]];
	const list = await run(["lvs", "--noheadings", "-o", "lv_name", group], signal);
	return list.split("\n").some((line) => line.trim() === own);
}
