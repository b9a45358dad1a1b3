import { run } from "../process/run.ts";
import type { RunRecord } from "../record/claim.ts";
import type { Bridge } from "./open-bridge.ts";

export type Namespace = {
	readonly name: string;
	readonly path: string;
	readonly address: string;
	/** Our end of its cable. */
	readonly link: string;
	/** The argv that runs `argv` inside. nsenter, not `ip netns exec`, which remounts /sys and so hides the cgroups from Docker. */
	enter(argv: readonly string[]): string[];
};

export type NamespaceOptions = {
	readonly hostName: string;
	readonly position: number;
	readonly bridge: Bridge;
};

/** A network of its own for one host, with one cable to the bridge. */
export async function openNamespace(
	record: RunRecord,
	{ hostName, position, bridge }: NamespaceOptions,
	signal: AbortSignal,
): Promise<Namespace> {
	const name = `${record.name}-${hostName}`;
	const path = `/run/netns/${name}`;
	const link = `${record.name}-h${position}`;
	const address = bridge.addressOf(position);
	record.add("namespace", name);
	const ip = (...words: string[]) => run(["ip", ...words], { signal });
	await ip("netns", "add", name);
	await ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
	await ip("link", "set", link, "master", bridge.name, "up");
	await ip("-netns", name, "link", "set", "lo", "up");
	await ip("-netns", name, "address", "add", `${address}/24`, "dev", "eth0");
	await ip("-netns", name, "link", "set", "eth0", "up");
	await ip("-netns", name, "route", "add", "default", "via", bridge.address);
	return { name, path, address, link, enter: (argv) => ["nsenter", `--net=${path}`, ...argv] };
}
