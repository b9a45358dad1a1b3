import type { Capability, HostDocument } from "@davit/protocol";
import { resolveAddress } from "../address.ts";
import { exitCodes } from "../command-error.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { markOf } from "../output/format.ts";
import { formatTable, plain } from "../output/table.ts";
import { writeAnswer } from "../output/write.ts";

/** Says what each host can do, and of what it cannot why and which command would help. */
export async function doctor(invocation: Invocation, context: Context): Promise<number> {
	const hosts: HostDocument[] = [];
	for (const host of await hostsOf(invocation.words[0], context)) {
		hosts.push(await callFor("davit/host/1", { method: "GET", path: `/hosts/${host}` }, context));
	}
	const examined = hosts.map(({ row, capabilities }) => ({
		host: row.host,
		online: row.online,
		capabilities,
	}));
	writeAnswer(context, {
		document: { schema: "davit/doctor/1", hosts: examined },
		ids: examined.filter(needsHelp).map(({ host }) => host),
		text: () => examined.map((host) => describe(host, context)).join("\n\n"),
	});
	const isCheck = flagOption(invocation, "check");
	return isCheck && examined.some(needsHelp) ? exitCodes.failed : exitCodes.done;
}

interface Examined {
	readonly host: string;
	readonly online: boolean;
	readonly capabilities: readonly Capability[];
}

async function hostsOf(name: string | undefined, context: Context): Promise<string[]> {
	if (name !== undefined) return [(await resolveAddress(name, context)).host];
	const names: string[] = [];
	for (let page = 1, pages = 1; page <= pages; page += 1) {
		const answer = await callFor("davit/hosts/1", { method: "GET", path: `/hosts?page=${page}` }, context);
		pages = answer.pages;
		for (const { host } of answer.items) names.push(host);
	}
	return names;
}

function needsHelp({ online, capabilities }: Examined): boolean {
	return !online || capabilities.some((capability) => isMissing(capability));
}

/** What is not there and could be: without a hint nobody can do anything about it. */
function isMissing({ available, hint }: Capability): boolean {
	return !available && hint !== undefined;
}

function describe({ host, online, capabilities }: Examined, { out }: Context): string {
	const head = online ? host : `${host}   not heard now; what it said last:`;
	const rows = capabilities.map((capability) => [
		`  ${markOf(stateOf(capability), out)} ${capability.name}`,
		plain(capability.detail),
		capability.hint === undefined ? "" : out.style("cyan", plain(capability.hint)),
	]);
	return [out.style("bold", head), formatTable([], rows)].join("\n");
}

function stateOf(capability: Capability) {
	if (capability.available) return "safe";
	return isMissing(capability) ? "partial" : "ignored";
}
