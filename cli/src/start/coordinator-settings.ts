import { usageError } from "../command-error.ts";
import { type Context, type Invocation, textOption } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { type BrokerChoice, chooseBroker } from "./broker-choice.ts";
import { readSettings, type Settings, writeSettings } from "./json-file.ts";
import { configFile } from "./programs.ts";

const usualPagePort = 8787;

/** Writes the coordinator's settings at the first start; later only what is given anew is changed. */
export async function prepareCoordinator(invocation: Invocation, context: Context): Promise<BrokerChoice> {
	const file = configFile(context.home, "coordinator");
	const before = await readSettings(file);
	const broker = await chooseBroker(before?.["broker"], invocation, context);
	const settings: Settings = {
		...before,
		site: before?.["site"] ?? "home",
		home: context.home,
		broker: broker.settings,
		http: { host: "127.0.0.1", ...recordOf(before?.["http"]), port: readPort(context, before) },
		...reachSettings(invocation),
	};
	if (JSON.stringify(before) !== JSON.stringify(settings)) await writeSettings(file, settings);
	return broker;
}

function readPort(context: Context, before: Settings | undefined): unknown {
	const { port } = context.settings;
	if (port === undefined) return recordOf(before?.["http"])["port"] ?? usualPagePort;
	if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return Number(port);
	throw usageError(`DAVIT_PORT is ${port}, which is not a port`, "DAVIT_PORT=8787 davit start");
}

/** New hosts are let in only where others can reach this one. */
function reachSettings(invocation: Invocation): Settings {
	const listen = textOption(invocation, "listen");
	if (listen === undefined) return {};
	const isEverywhere = listen === "0.0.0.0" || listen === "::";
	return { join: { host: listen }, ...(isEverywhere ? {} : { reachableAt: listen }) };
}

function recordOf(value: unknown): Settings {
	return isRecord(value) ? value : {};
}
