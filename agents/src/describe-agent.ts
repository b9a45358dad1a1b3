import { arch, platform, release } from "node:os";
import { Bytes, type Description, instantOf, operations } from "@davit/protocol";
import type { Archives } from "./archives/archives.ts";
import type { AgentConfig } from "./config.ts";
import type { View } from "./inventory.ts";
import { davitVersion } from "./version.ts";

/** Who this agent is and what it can do, as of now. */
export async function describeAgent(
	{ capabilities }: View,
	{ config, archives, now }: { config: AgentConfig; archives: Archives; now: () => number },
): Promise<Description> {
	const { site, host, archivesPath, repositories } = config;
	return {
		...{ version: 1, site, host, davit: davitVersion, node: process.version },
		platform: `${platform()} ${release()} ${arch()}`.slice(0, 120),
		publicKey: archives.publicKey,
		operations: Object.keys(operations).map((name) => `${name}@1`),
		capabilities: [...capabilities],
		archivesPath,
		archivesFreeBytes: Bytes.parse(await archives.freeBytes()),
		repositories: repositories.map(({ name, url, passwordFile }) => ({ name, url, passwordFile })),
		at: instantOf(now()),
	};
}
