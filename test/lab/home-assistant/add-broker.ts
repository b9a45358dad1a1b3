import { type CallHttp, expectOk } from "./call-http.ts";
import { type JsonObject, objectFrom, objectsFrom, textAt } from "./read-json.ts";

export type BrokerAddress = {
	readonly host: string;
	readonly port: number;
	readonly username?: string;
	readonly password?: string;
	/** What this version of Home Assistant chooses, when absent. */
	readonly protocol?: "3.1.1" | "5";
};

const flowPath = "/api/config/config_entries/flow";

/** Adds MQTT by the same form that a person fills in; Home Assistant connects to the broker before it accepts. */
export async function addBroker(broker: BrokerAddress, http: CallHttp): Promise<void> {
	const { host, ...rest } = broker;
	// The last two are required without a default from 2026 on.
	const answers = { broker: host, ...rest, discovery: true, set_client_cert: false, set_ca_cert: "off" };
	const begin = { handler: "mqtt", show_advanced_options: true };
	let step = objectFrom(await expectOk(http("POST", flowPath, begin), "MQTT form"), "MQTT form");
	for (let count = 0; step["type"] !== "create_entry"; count++) {
		const errors = step["errors"] ?? {};
		if (count > 6 || step["type"] === "abort" || Object.keys(errors).length > 0) {
			throw new Error(
				`Home Assistant does not accept the broker ${host}:${broker.port}: ${JSON.stringify(step)}`,
			);
		}
		const body = step["type"] === "menu" ? { next_step_id: "broker" } : fillIn(step, answers);
		const path = `${flowPath}/${textAt(step, "flow_id")}`;
		step = objectFrom(await expectOk(http("POST", path, body), "MQTT form"), "MQTT form");
	}
}

function fillIn(step: JsonObject, answers: JsonObject): JsonObject {
	const fields = objectsFrom(step["data_schema"], "fields of the MQTT form");
	const filled = fields.flatMap((field): [string, unknown][] => {
		const name = textAt(field, "name");
		if (field["type"] !== "expandable") return name in answers ? [[name, answers[name]]] : [];
		const section = objectsFrom(field["schema"], name).map((inner) => textAt(inner, "name"));
		const known = section.filter((inner) => inner in answers);
		if (known.length === 0 && field["required"] !== true) return [];
		return [[name, Object.fromEntries(known.map((inner) => [inner, answers[inner]]))]];
	});
	const offered = new Set(fields.map((field) => textAt(field, "name")));
	const hidden =
		answers["protocol"] !== undefined && !offered.has("protocol") && offered.has("advanced_options");
	return Object.fromEntries(hidden ? [...filled, ["advanced_options", true] as const] : filled);
}
