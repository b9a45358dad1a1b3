import { existsSync } from "node:fs";
import { run } from "../process/run.ts";
import type { RunRecord } from "../record/claim.ts";

/** The cable that joins the hosts of one laboratory with each other and with this machine. */
export type Bridge = {
	readonly name: string;
	/** This machine's own address on it. */
	readonly address: string;
	/** The whole network, for those who must be told which registry may be spoken to without TLS. */
	readonly subnet: string;
	/** The address of host number `position`, from 1. */
	addressOf(position: number): string;
};

export async function openBridge(record: RunRecord, signal: AbortSignal): Promise<Bridge> {
	const { name } = record;
	const prefix = `10.77.${record.number}`;
	record.add("bridge", name);
	await run(["ip", "link", "add", "name", name, "type", "bridge"], { signal });
	await run(["ip", "address", "add", `${prefix}.1/24`, "dev", name], { signal });
	await run(["ip", "link", "set", name, "up"], { signal });
	// A Docker engine of this machine's own sets the policy of FORWARD to DROP, also for frames that only cross a bridge.
	if (existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
		await run(["iptables", "-w", "-I", "FORWARD", "-i", name, "-o", name, "-j", "ACCEPT"], { signal });
	}
	return {
		name,
		address: `${prefix}.1`,
		subnet: `${prefix}.0/24`,
		addressOf: (position) => `${prefix}.${position + 1}`,
	};
}
