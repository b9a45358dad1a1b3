import { join } from "node:path";
import { type Capability, OperationError } from "@davit/protocol";
import type { AgentConfig } from "./config.ts";
import { whyNoImage } from "./container/plan-image.ts";
import type { Engine } from "./docker/engine.ts";
import type { Found } from "./inventory.ts";
import { mayRead } from "./resource/check-swap.ts";
import { isFolder } from "./resource/place.ts";
import { describeRestic } from "./restic/find-restic.ts";

/** What this host can do, why not where it cannot, and the command that would help. */
export async function describeCapabilities(
	found: Found,
	config: AgentConfig,
): Promise<readonly Capability[]> {
	return [
		describeDocker(found),
		await describeHostPath(found.engine),
		await describeHelper(found.engine, config),
		{
			name: "archive-api",
			available: found.engine !== undefined,
			detail:
				found.engine === undefined
					? "there is no engine"
					: `API ${found.engine.apiVersion}; loses extended attributes, ACLs and holes`,
		},
		await describeFolders(config),
		...[await describeRestic(config)].filter((found) => found !== undefined),
	];
}

function describeDocker(found: Found): Capability {
	if (found.engine !== undefined) {
		return {
			name: "docker",
			available: true,
			detail: `${found.engine.version} at ${found.engine.socketPath}`,
		};
	}
	const { reason } = found;
	const detail = reason instanceof Error ? reason.message : "no engine was looked for";
	return {
		...{ name: "docker", available: false, detail: detail.slice(0, 300) },
		...(reason instanceof OperationError ? { hint: reason.hint.slice(0, 300) } : {}),
	};
}

async function describeHostPath(engine: Engine | undefined): Promise<Capability> {
	if (engine === undefined) return { name: "host-path", available: false, detail: "there is no engine" };
	const folder = join(engine.dataRoot, "volumes");
	if (!engine.sharesPaths) {
		return { name: "host-path", available: false, detail: "the engine runs in a machine of its own" };
	}
	if (process.geteuid?.() === 0 && (await mayRead(folder))) {
		return { name: "host-path", available: true, detail: folder };
	}
	const detail = `the agent may not read ${folder}`.slice(0, 300);
	return { name: "host-path", available: false, detail, hint: "run the agent as root" };
}

async function describeHelper(engine: Engine | undefined, { helper }: AgentConfig): Promise<Capability> {
	const name = "helper";
	if (!helper) {
		const detail = "switched off in the agent's configuration";
		return { name, available: false, detail, hint: "set helper to true in it, then start the agent again" };
	}
	if (engine === undefined) return { name, available: false, detail: "there is no engine" };
	const why = await whyNoImage();
	if (why !== undefined) {
		return { name, available: false, detail: why.slice(0, 300), hint: "run the agent as root" };
	}
	const detail =
		"a short-lived container of this machine's own Node, for volumes that the agent may not read";
	return { name, available: true, detail };
}

async function describeFolders({ folders }: AgentConfig): Promise<Capability> {
	const gone = [];
	for (const folder of folders) if (!(await isFolder(folder))) gone.push(folder);
	if (folders.length === 0) {
		return {
			...{ name: "folders", available: false, detail: "none is configured" },
			hint: "add folders to the agent's configuration, or start with --folder PATH",
		};
	}
	const missing = gone.length === 0 ? "" : `; not there: ${gone.join(", ")}`;
	return { name: "folders", available: true, detail: `${folders.length} configured${missing}`.slice(0, 300) };
}
