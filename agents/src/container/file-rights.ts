import type { ReachJob } from "../resource/reach-job.ts";

/** What it takes to read, own and move files of anybody (capabilities(7)). */
const handling = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"];
/** `trusted.*` is shown to no one else, and set by no one else (xattr(7)). */
const reading = [...handling, "SYS_ADMIN"];
/** Devices, and `security.capability`. */
const making = [...reading, "MKNOD", "SETFCAP"];

/** The capabilities that a helper container needs for a job, and no other. */
export function rightsFor({ kind }: ReachJob): readonly string[] {
	switch (kind) {
		case "unpack":
		case "compose":
		case "copy":
			return making;
		case "pack":
		case "index":
		case "recheck":
		case "compare":
		case "diff":
			return reading;
		case "measure":
		case "find-databases":
		case "verify":
		case "sample":
		case "look":
		case "set-aside":
		case "bring-forward":
		case "put-in-place":
		case "take-back":
		case "is-set-aside":
		case "is-in-place":
		case "remove":
		case "remove-kept":
			return handling;
		default:
			return kind satisfies never;
	}
}
