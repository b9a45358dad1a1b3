import { join } from "node:path";
import { buildOnce } from "./build-once.ts";
import { unpackNewer } from "./newer-debian.ts";

/**
 * The program restic of Debian 13: 0.18, which tells its exit codes apart; Debian 12's does not. It is statically linked, so it runs
 * on both.
 */
export async function findRestic(signal: AbortSignal): Promise<string> {
	const build = (folder: string) => unpackNewer({ suite: "trixie", names: ["restic"], folder }, signal);
	return join(await buildOnce("restic-0.18-1", build, signal), "usr/bin/restic");
}

/** The program rclone of Debian, for `serve restic`. */
export async function findRclone(signal: AbortSignal): Promise<string> {
	const build = (folder: string) => unpackNewer({ suite: "trixie", names: ["rclone"], folder }, signal);
	return join(await buildOnce("rclone-1.60-1", build, signal), "usr/bin/rclone");
}
