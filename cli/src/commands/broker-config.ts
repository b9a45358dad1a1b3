import { resolve } from "node:path";
import { type Context, type Invocation, listOption, wordAt } from "../context.ts";
import { isRecord } from "../door/answers.ts";
import { callRaw } from "../door/call.ts";
import { writeAnswer } from "../output/write.ts";

/** Has the coordinator write a Mosquitto configuration for the hosts it knows; files only it may read. */
export async function brokerConfig(invocation: Invocation, context: Context): Promise<number> {
	const directory = resolve(wordAt(invocation, 0));
	const answer = await callRaw(
		{ method: "POST", path: "/broker-config", body: { directory, hosts: listOption(invocation, "host") } },
		context,
	);
	const written = isRecord(answer) && Array.isArray(answer["files"]) ? answer["files"].map(String) : [];
	const text = [
		written.length === 0 ? `${directory} is as it has to be` : `wrote ${written.join(", ")}`,
		`mosquitto -c ${directory}/mosquitto.conf serves it; accounts.json holds the passwords`,
		`davit start --broker mqtt://HOST:1883 --broker-accounts ${directory}/accounts.json uses it`,
		"Mosquitto's user must be able to read the files (chgrp mosquitto), but not accounts.json",
		"before a host joins: run this again with --host NAME, then reload Mosquitto",
	].join("\n");
	writeAnswer(context, { document: { schema: "davit/text/1", text }, ids: written, text: () => text });
	return 0;
}
