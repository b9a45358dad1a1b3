import { existsSync, readFileSync } from "node:fs";
import { ownEnvironment } from "./process/environment.ts";
import { whyNoS3Server } from "./provision/build-s3-server.ts";
import { findPython312 } from "./provision/find-python.ts";

/** Undefined: it can be started here. Otherwise the reason why not, in one line, for `t.skip`. */
export type Unavailable = string | undefined;

export type LabAvailability = {
	readonly hosts: Unavailable;
	readonly broker: Unavailable;
	readonly registry: Unavailable;
	readonly homeAssistant: Unavailable;
	/** The oldest supported one, which needs a Python of its own time. */
	readonly homeAssistantOldest: Unavailable;
	readonly browser: Unavailable;
	readonly restic: Unavailable;
	readonly s3: Unavailable;
};

/**
 * Which parts of the laboratory can be had here. It installs packages and makes networks, so it is for root on Debian,
 * or wherever `DAVIT_LAB=1` says that this machine may be used; `DAVIT_LAB=0` forbids it everywhere.
 */
export async function labAvailability(): Promise<LabAvailability> {
	const reason = whyForbidden();
	const everything = {
		hosts: reason,
		broker: reason,
		registry: reason,
		homeAssistant: reason,
		browser: reason,
		restic: reason,
	};
	const python = reason === undefined ? await findPython312() : undefined;
	const oldest =
		reason ?? (python === undefined ? "no Python 3.12 found; set DAVIT_LAB_PYTHON312 to one" : undefined);
	return { ...everything, homeAssistantOldest: oldest, s3: reason ?? whyNoS3Server() };
}

function whyForbidden(): Unavailable {
	const wish = ownEnvironment()["DAVIT_LAB"];
	if (wish === "0") return "laboratory forbidden by DAVIT_LAB=0";
	if (wish === "1") return undefined;
	if (process.getuid?.() !== 0) return "laboratory needs root (or DAVIT_LAB=1 to try all the same)";
	if (!isDebian()) return "laboratory needs Debian (or DAVIT_LAB=1 to try all the same)";
	return undefined;
}

function isDebian(): boolean {
	const path = "/etc/os-release";
	return existsSync(path) && /^ID=debian$/m.test(readFileSync(path, "utf8"));
}
