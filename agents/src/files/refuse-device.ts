import { type Manifest, OperationError } from "@davit/protocol";
import { showRaw } from "./raw-path.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** What a chroot has of them, and opens nothing of the host. */
const harmlessDevices: ReadonlySet<string> = new Set([
	"0:0",
	"1:3",
	"1:5",
	"1:7",
	"1:8",
	"1:9",
	"5:0",
	"5:2",
]);

/**
 * A folder of the host is no place for the host's disks and memory.
 * @throws OperationError path-not-allowed
 */
export function refuseDevice(
	{ path, type, device = [0, 0] }: TreeEntry,
	{ resource }: Pick<Manifest, "resource">,
): void {
	if (!type.endsWith("device") || !resource.startsWith("path:")) return;
	if (type === "character-device" && harmlessDevices.has(device.join(":"))) return;
	throw new OperationError(
		"path-not-allowed",
		`${showRaw(path)} is a device (${type} ${device.join(":")}), which Davit never makes in a folder of the host`,
		{ hint: "unpack the archive by hand with its restore.sh, and look at what is in it first" },
	);
}
