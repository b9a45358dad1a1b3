import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { entry } from "@davit/cli/testing/run-davit.ts";
import { writeBrokerConfig } from "@davit/coordinator/broker/write-config.ts";
import { HostName, SiteName } from "@davit/protocol";
import type { Broker } from "../lab/broker/start.ts";
import type { HomeAssistant } from "../lab/home-assistant/start.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import type { RunningProcess } from "../lab/process/start.ts";

export interface Answer {
	readonly exitCode: number | null;
	readonly stdout: string;
	readonly stderr: string;
	/** The lines of standard output as JSON. */
	readonly lines: readonly Readonly<Record<string, unknown>>[];
}

/**
 * A home as a person has it: Mosquitto with accounts, Home Assistant, and two hosts with a real engine each. On `nas` runs
 * everything by `davit start`; `pi` has joined with a one-time string. Each has a container that writes to the volume `diary`.
 */
export interface Home extends AsyncDisposable {
	readonly lab: Laboratory;
	readonly homeAssistant: HomeAssistant;
	readonly broker: Broker;
	/** Processes of `davit start` by host. */
	readonly running: ReadonlyMap<string, RunningProcess>;
	readonly homeOf: (host: string) => string;
	/** Runs `davit` on a host, with `--json` where the words say so. */
	davit(host: string, ...words: string[]): Promise<Answer>;
	/** Starts Davit on a host again, after it was ended. */
	start(host: string): Promise<RunningProcess>;
}

export const hostNames = ["nas", "pi"] as const;

export async function openHomeLaboratory(signal: AbortSignal): Promise<Home> {
	await using open = new AsyncDisposableStack();
	const lab = open.use(
		await openLaboratory(
			{
				hosts: [
					{ name: "nas", engine: "20.10" },
					{ name: "pi", engine: "26.1" },
				],
				homeAssistant: [{ version: "2026.11.0" }],
			},
			signal,
		),
	);
	const site = SiteName.parse("home");
	const configuration = join(lab.folder, "broker");
	const written = await writeBrokerConfig(configuration, {
		site,
		hosts: hostNames.map((name) => HostName.parse(name)),
	});
	const broker = await lab.startBroker({ folder: configuration });
	const homeAssistant = lab.homeAssistant();
	const account = written.accounts.find(({ username }) => username === "home-assistant");
	if (account === undefined) throw new Error("broker-config wrote no account for Home Assistant");
	const credentials = { username: account.username, password: account.password };
	await homeAssistant.setBroker({ host: "127.0.0.1", port: broker.port, ...credentials });
	const running = new Map<string, RunningProcess>();
	const homeOf = (host: string) => join(lab.host(host).folder, "davit");
	const environment = (host: string) => ({
		...{ DAVIT_HOME: homeOf(host), DOCKER_HOST: `unix://${lab.host(host).socketPath}`, NO_COLOR: "1" },
		...{ DAVIT_PORT: "8787", PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	});
	const words = new Map([
		[
			"nas",
			[
				"--broker",
				broker.urlForHosts,
				"--broker-accounts",
				written.accountsFile,
				"--listen",
				lab.host("nas").address,
			],
		],
		["pi", ["--agent-only"]],
	]);
	const start = async (host: string): Promise<RunningProcess> => {
		const davit = [process.execPath, entry, "start", ...(words.get(host) ?? [])];
		// The namespace of the network is the laboratory's; the host's name is its own.
		const named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host, ...davit];
		const started = await lab
			.host(host)
			.spawnInside(named, { name: `davit-${host}`, env: environment(host) });
		running.set(host, started);
		const sign = host === "nas" ? "http://" : "the agent runs";
		await pollUntil(async () => (await started.readLog()).includes(sign), {
			...{ what: `davit start on ${host}`, timeoutMs: 30_000, signal },
			explain: () => started.readLog(),
		});
		words.set("nas", []);
		return started;
	};
	const davit = async (host: string, ...rest: string[]): Promise<Answer> => {
		const expectedCodes = Array.from({ length: 131 }, (_, code) => code);
		const outcome = await lab
			.host(host)
			.run([process.execPath, entry, ...rest], { signal, env: environment(host), expectedCodes });
		return {
			exitCode: outcome.code,
			stdout: outcome.stdout,
			stderr: outcome.stderr,
			lines: linesOf(outcome.stdout),
		};
	};
	for (const host of hostNames) await startDiary(lab, host, signal);
	await start("nas");
	const invitation = await davit("nas", "host", "join", "pi", "--json");
	const string = String(invitation.lines[0]?.["string"]);
	await mkdir(homeOf("pi"), { recursive: true });
	const joined = await davit("pi", "host", "join", string);
	if (joined.exitCode !== 0) throw new Error(`pi did not join: ${invitation.stdout} ${joined.stderr}`);
	await start("pi");
	const close = open.move();
	return {
		...{ lab, homeAssistant, broker, running, homeOf, davit, start },
		async [Symbol.asyncDispose]() {
			for (const process of running.values()) if (process.exit() === undefined) await process.stop(30_000);
			await close.disposeAsync();
		},
	};
}

function linesOf(text: string): Record<string, unknown>[] {
	const lines = text.split("\n").filter((line) => line.startsWith("{"));
	return lines.map((line) => JSON.parse(line));
}

async function startDiary(lab: Laboratory, name: string, signal: AbortSignal): Promise<void> {
	const host = lab.host(name);
	await importBusybox(host, signal);
	await buildWriter(host, signal);
	await host.docker([
		"run",
		"--detach",
		"--name",
		"writer",
		"--volume",
		`diary:${writerFolder}`,
		writerImage,
	]);
}

/** Where a volume's files are on this machine. */
export function volumePath(home: Home, host: string, volume: string): string {
	return join(home.lab.host(host).dataRoot, "volumes", volume, "_data");
}

/** The writer's lines, each whole: its number and the length of that number. */
export async function readDiary(home: Home, host: string): Promise<string[]> {
	const text = await readFile(join(volumePath(home, host, "diary"), "written.log"), "utf8");
	return text.split("\n").filter((line) => /^(\d+) \d+$/.test(line));
}
