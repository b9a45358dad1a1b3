import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { acceptsConnection, findFreePort } from "../network/port.ts";
import { pollUntil } from "../process/poll.ts";
import { describeProcess, startProcess } from "../process/start.ts";
import type { RunRecord } from "../record/claim.ts";

/** An image registry of our own, reachable from every host. */
export type Registry = {
	/** What stands before the name in an image reference: `10.77.0.1:5000`. */
	readonly prefix: string;
	readonly url: string;
	stop(): Promise<void>;
};

export type RegistrySurroundings = {
	readonly record: RunRecord;
	readonly address: string;
	readonly signal: AbortSignal;
};

export async function startRegistry({ record, address, signal }: RegistrySurroundings): Promise<Registry> {
	const folder = join(record.dataFolder, "registry");
	await mkdir(folder);
	const port = await findFreePort(address);
	const configuration = {
		version: 0.1,
		log: { level: "warn" },
		storage: { filesystem: { rootdirectory: join(folder, "images") }, delete: { enabled: true } },
		http: { addr: `${address}:${port}` },
	};
	const configurationPath = join(folder, "config.yml");
	// JSON is YAML.
	await writeFile(configurationPath, JSON.stringify(configuration));
	const process = await startProcess(["docker-registry", "serve", configurationPath], {
		name: "docker-registry",
		logPath: join(folder, "registry.log"),
		record,
	});
	await pollUntil(
		async () => {
			if (process.exit() !== undefined) throw new Error(await describeProcess(process));
			return acceptsConnection(address, port);
		},
		{
			what: "docker-registry to accept connections",
			timeoutMs: 20_000,
			signal,
			explain: () => describeProcess(process),
		},
	);
	return {
		prefix: `${address}:${port}`,
		url: `http://${address}:${port}`,
		stop: async () => void (await process.stop()),
	};
}
