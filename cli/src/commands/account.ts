import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { writeAnswer } from "../output/write.ts";

/** Prints how a client connects to the broker. `ha` is short for Home Assistant's account. */
export async function account(invocation: Invocation, context: Context): Promise<number> {
	const word = wordAt(invocation, 0);
	const name = word === "ha" ? "home-assistant" : word;
	const path = `/accounts/${encodeURIComponent(name)}`;
	const document = await callFor("davit/account/1", { method: "POST", path, body: {} }, context);
	writeAnswer(context, {
		document,
		ids: [document.username],
		text: () =>
			[
				`address   ${document.address}`,
				`port      ${document.port}`,
				`user      ${document.username}`,
				`password  ${document.password}`,
				...(name === "home-assistant"
					? ["", "in Home Assistant: Settings, Devices & services, Add integration, MQTT"]
					: []),
			].join("\n"),
	});
	return 0;
}
