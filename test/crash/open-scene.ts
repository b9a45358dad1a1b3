import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ownPublicKey } from "@davit/agents/join/own-key.ts";
import { parseCoordinatorConfig } from "@davit/coordinator/config.ts";
import { type Coordinator, openCoordinator } from "@davit/coordinator/coordinator.ts";
import type { Desk } from "@davit/coordinator/desk.ts";
import { HostName, type Logger, PrincipalName } from "@davit/protocol";
import type { Host } from "../lab/host/open.ts";
import { importBusybox } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import type { MortalWish } from "./start-mortal.ts";

export const operator = PrincipalName.parse("operator");

/** A real engine, a real Mosquitto, and the configurations of a coordinator and of agents that share them. */
export interface Scene extends AsyncDisposable {
	readonly lab: Laboratory;
	readonly host: Host;
	/** Lives as long as the scene, in this process. */
	readonly desk: Desk;
	/** Warnings and errors of that coordinator. */
	readonly complaints: readonly string[];
	readonly signal: AbortSignal;
	/** Lets a host in and writes its agent's configuration; several may share the engine. */
	writeAgent(name: string, settings?: Readonly<Record<string, unknown>>): Promise<AgentPlace>;
}

export interface AgentPlace extends MortalWish {
	readonly program: "agent";
	readonly host: HostName;
	readonly home: string;
}

export async function openScene(signal: AbortSignal): Promise<Scene> {
	await using open = new AsyncDisposableStack();
	const lab = open.use(await openSite(signal));
	const host = lab.host("nas");
	const complaints: string[] = [];
	const config = parseCoordinatorConfig(coordinatorSettings(lab), "the scene");
	const coordinator = open.use(await openCoordinator(config, { log: complainTo(complaints) }));
	const stack = open.move();
	const admit = (wanted: Admission) => coordinator.desk.admit(wanted, operator);
	return {
		...{ lab, host, complaints, signal, desk: coordinator.desk },
		writeAgent: (name, settings) => writeAgent({ lab, admit, name, settings }),
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

/** The machine without Davit. */
export async function openSite(signal: AbortSignal): Promise<Laboratory> {
	await using open = new AsyncDisposableStack();
	const hosts = [{ name: "nas", engine: "26.1" }] as const;
	const lab = open.use(await openLaboratory({ hosts, mosquitto: {} }, signal));
	await importBusybox(lab.host("nas"), signal);
	open.move();
	return lab;
}

/** Mosquitto asks nobody for a password here, so any account will do for everybody. */
export function coordinatorSettings(lab: Laboratory) {
	return {
		home: join(lab.folder, "coordinator"),
		broker: { kind: "external", url: lab.broker.url, username: "anybody", password: "anything" },
		http: { port: 0 },
	};
}

export type Admission = Parameters<Coordinator["desk"]["admit"]>[0];

interface AgentWish {
	readonly lab: Laboratory;
	readonly admit: (wanted: Admission) => Promise<{ readonly coordinatorKey: string }>;
	readonly name: string;
	/** Of its configuration, beside what every agent of a scene has. */
	readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

export async function writeAgent({ lab, admit, name, settings = {} }: AgentWish): Promise<AgentPlace> {
	const host = HostName.parse(name);
	const home = join(lab.folder, name);
	await mkdir(home, { recursive: true });
	const { coordinatorKey } = await admit({ host, publicKey: await ownPublicKey(home) });
	const configFile = join(home, "agent.json");
	const config = {
		...{ site: "home", host, home, coordinatorKey, broker: { url: lab.broker.url } },
		...{ dockerSocket: lab.host("nas").socketPath, minimumFreeBytes: 0, logLevel: "info" },
		...settings,
	};
	await writeFile(configFile, JSON.stringify(config), { mode: 0o600 });
	return { program: "agent", host, home, configFile, logPath: join(home, "agent.log") };
}

function complainTo(complaints: string[]): Logger {
	const quiet = () => undefined;
	const complain = (context: object, sentence: string) => {
		complaints.push(`${sentence} ${JSON.stringify(context)}`);
	};
	return { debug: quiet, info: quiet, warn: complain, error: complain };
}
