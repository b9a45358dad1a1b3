import { mkdirSync, writeFileSync } from "node:fs";
import { nameOfErrno, type System, systemCalls } from "./call-system.ts";

/** The calls that a test cannot do without. */
export function requireSystem(): System {
	const system = systemCalls();
	if (system === undefined) throw new Error("koffi has no binary for this machine");
	return system;
}

export function plantAttribute(path: string, name: string, value: Buffer): void {
	const answer = requireSystem().setAttribute(path, name, value);
	if (answer < 0) throw new Error(`${name} cannot be set on ${path}: ${nameOfErrno(answer)}`);
}

export function plantAttributes(folder: string): void {
	writeFileSync(`${folder}/file`, "with attributes");
	plantAttribute(`${folder}/file`, "user.text", Buffer.from("plain"));
	plantAttribute(`${folder}/file`, "user.binary", Buffer.from([0, 10, 61, 255, 0]));
	plantAttribute(`${folder}/file`, "user.odd=name%25", Buffer.from("an equals sign"));
	plantAttribute(`${folder}/file`, "user.long", Buffer.alloc(2000, "long "));
	plantAttribute(folder, "user.of-a-directory", Buffer.from("too"));
}

/** What only root may set and see. */
export function plantRootAttributes(folder: string): void {
	writeFileSync(`${folder}/program`, "#!/bin/sh\n");
	plantAttribute(`${folder}/program`, "security.capability", capability);
	plantAttribute(`${folder}/program`, "trusted.overlay.opaque", Buffer.from("y"));
}

export function plantLists(folder: string): void {
	writeFileSync(`${folder}/file`, "for user 70 too");
	plantAttribute(`${folder}/file`, "system.posix_acl_access", accessList);
	mkdirSync(`${folder}/directory`);
	writeFileSync(`${folder}/directory/in`, "made before the list");
	plantAttribute(`${folder}/directory`, "system.posix_acl_default", accessList);
}

/** `cap_net_bind_service=p`, as in Linux's `vfs_cap_data` of version 2. */
const capability = Buffer.from("0000000200040000000000000000000000000000", "hex");

/** user::rw-, user:70:r--, group::r--, mask::r--, other::---, as in Linux's `posix_acl_xattr_header`. */
const accessList = Buffer.from(
	"02000000" +
		"01000600ffffffff" +
		"0200040046000000" +
		"04000400ffffffff" +
		"10000400ffffffff" +
		"20000000ffffffff",
	"hex",
);
