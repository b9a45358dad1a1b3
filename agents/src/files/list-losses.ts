import { readFileSync } from "node:fs";
import { lostWithoutSystem, systemCalls } from "./call-system.ts";
import { errnoOf } from "./file-failure.ts";

/** What a packing in this process cannot see, whatever the tree holds. */
export function unseenAttributes(): readonly string[] {
	if (systemCalls() === undefined) return lostWithoutSystem;
	return seesTrusted()
		? []
		: ["extended attributes of the class trusted, which the kernel shows only to root"];
}

/** CAP_SYS_ADMIN, of capabilities(7). */
const administration = 1n << 21n;

/** It takes CAP_SYS_ADMIN in the machine's own user namespace, not in one of a rootless engine (xattr(7)). */
function seesTrusted(): boolean {
	try {
		const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
		const isInitial = /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
		return isInitial && (BigInt(`0x${effective}`) & administration) !== 0n;
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return false;
	}
}
