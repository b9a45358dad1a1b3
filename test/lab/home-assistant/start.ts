import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findFreePort } from "../network/port.ts";
import { pollUntil } from "../process/poll.ts";
import { describeProcess, type RunningProcess, startProcess } from "../process/start.ts";
import type { RunRecord } from "../record/claim.ts";
import { addBroker, type BrokerAddress } from "./add-broker.ts";
import { type CallHttp, expectOk, openHttp } from "./call-http.ts";
import { writeConfiguration } from "./configure.ts";
import { type Driver, openDriver } from "./drive.ts";
import { installHomeAssistant } from "./install.ts";
import { listComplaints, readLength } from "./list-complaints.ts";
import { account, onboard, removeInternetServices } from "./onboard.ts";
import { type PageWish, photographPage } from "./photograph.ts";
import { objectFrom, objectsFrom } from "./read-json.ts";
import type { HomeAssistantVersion } from "./version.ts";

export type HomeAssistantWish = {
	readonly version: HomeAssistantVersion;
	/** Connected to no broker when absent. */
	readonly mqtt?: BrokerAddress;
};

export type HomeAssistant = Driver & {
	readonly version: HomeAssistantVersion;
	readonly url: string;
	/** The owner, for the login form. */
	readonly account: typeof account;
	/** A long-lived one, of the owner. */
	readonly token: string;
	/** Its configuration folder, for blueprints and the like. */
	readonly folder: string;
	readonly logPath: string;
	/** The process as it runs now (another one after a restart). */
	process(): RunningProcess;
	/** Connects it to a broker, instead of the one it has. */
	setBroker(broker: BrokerAddress): Promise<void>;
	/** From here on `complaints` counts. */
	mark(): Promise<void>;
	/** Lines of WARNING and above since the mark; those that every start brings are left out. */
	complaints(): Promise<string[]>;
	/** The orderly end. */
	stop(): Promise<void>;
	/** SIGKILL. @throws Error unless it ran and is dead afterwards. */
	kill(): Promise<void>;
	/** Starts it again with what it has stored, and waits until it is all up. */
	start(): Promise<void>;
	/** `stop`, then `start`. */
	restart(): Promise<void>;
	/** Logs in with a real browser and takes a picture. Returns the text on the page. */
	photograph(wish: PageWish): Promise<string>;
};

export type HomeAssistantSurroundings = { readonly record: RunRecord; readonly signal: AbortSignal };

/** Starts a fresh Home Assistant, goes through its wizard and connects it to the broker. */
export async function startHomeAssistant(
	{ version, mqtt }: HomeAssistantWish,
	{ record, signal }: HomeAssistantSurroundings,
): Promise<HomeAssistant> {
	const site = await prepareSite(version, record, signal);
	const { url, folder, logPath } = site;
	let process = await site.launch();
	const token = await onboard(url, signal);
	const http = openHttp(url, token, signal);
	await untilRunning({ process, http, signal });
	await removeInternetServices(url, token, signal);
	const driver = openDriver({ url, token, http, signal });
	let connected: BrokerAddress | undefined;
	const setBroker = async (broker: BrokerAddress): Promise<void> => {
		await removeBroker(http);
		await addBroker(broker, http);
		connected = broker;
		await untilRunning({ process, http, signal, broker });
	};
	if (mqtt !== undefined) await setBroker(mqtt);
	let markedBytes = await readLength(logPath);
	const stop = async (): Promise<void> => {
		driver.disconnect();
		await process.stop(45_000);
	};
	const start = async (): Promise<void> => {
		if (process.exit() === undefined) throw new Error(`Home Assistant ${version} runs already`);
		process = await site.launch();
		await untilRunning({ process, http, signal, broker: connected });
	};
	return {
		...driver,
		...{ version, url, account, token, folder, logPath, setBroker, stop, start },
		process: () => process,
		mark: async () => {
			markedBytes = await readLength(logPath);
		},
		complaints: () => listComplaints(logPath, markedBytes),
		kill: async () => {
			driver.disconnect();
			await process.kill();
		},
		restart: () => stop().then(start),
		photograph: (wish) => photographPage(url, wish, { record, signal }),
	};
}

type Site = {
	readonly url: string;
	readonly folder: string;
	readonly logPath: string;
	/** Starts it and waits until its page answers. */
	launch(): Promise<RunningProcess>;
};

async function prepareSite(
	version: HomeAssistantVersion,
	record: RunRecord,
	signal: AbortSignal,
): Promise<Site> {
	const installation = await installHomeAssistant(version, signal);
	const port = await findFreePort();
	const folder = join(record.dataFolder, `home-assistant-${port}`);
	const logPath = `${folder}.log`;
	const url = `http://127.0.0.1:${port}`;
	await mkdir(folder);
	await writeConfiguration({ version, folder, port });
	const launch = async (): Promise<RunningProcess> => {
		const name = `Home Assistant ${version}`;
		const started = await startProcess(installation.launch(folder), { name, logPath, record });
		await untilAnswering(started, url, signal);
		return started;
	};
	return { url, folder, logPath, launch };
}

async function untilAnswering(process: RunningProcess, url: string, signal: AbortSignal): Promise<void> {
	const http = openHttp(url, undefined, signal);
	await pollUntil(
		async () => {
			if (process.exit() !== undefined) throw new Error(await describeProcess(process));
			return (await statusOrRefused(http, "/manifest.json")) === 200;
		},
		{
			what: `${process.name} to answer`,
			timeoutMs: 120_000,
			signal,
			explain: () => describeProcess(process),
		},
	);
}

/** Undefined while nobody listens. */
async function statusOrRefused(http: CallHttp, path: string): Promise<number | undefined> {
	try {
		return (await http("GET", path)).status;
	} catch (error) {
		// fetch reports every failure to connect as a TypeError.
		if (error instanceof TypeError) return undefined;
		throw error;
	}
}

type Waited = {
	readonly process: RunningProcess;
	readonly http: CallHttp;
	readonly signal: AbortSignal;
	readonly broker?: BrokerAddress | undefined;
};

async function untilRunning({ process, http, signal, broker }: Waited): Promise<void> {
	const isUp = async (): Promise<boolean> => {
		const config = objectFrom(await expectOk(http("GET", "/api/config"), "configuration"), "configuration");
		if (config["recovery_mode"] === true) throw new Error(`recovery mode: ${await describeProcess(process)}`);
		const [entry] = await listBrokers(http);
		return config["state"] === "RUNNING" && (broker === undefined || entry?.["state"] === "loaded");
	};
	const what = `${process.name} to be up${broker === undefined ? "" : " with MQTT"}`;
	await pollUntil(isUp, { what, timeoutMs: 60_000, signal, explain: () => describeProcess(process) });
}

async function listBrokers(http: CallHttp) {
	const entries = await expectOk(http("GET", "/api/config/config_entries/entry"), "list of entries");
	return objectsFrom(entries, "entries").filter((entry) => entry["domain"] === "mqtt");
}

async function removeBroker(http: CallHttp): Promise<void> {
	for (const entry of await listBrokers(http)) {
		const path = `/api/config/config_entries/entry/${String(entry["entry_id"])}`;
		await expectOk(http("DELETE", path), "removal of a broker");
	}
}
