import type { CommandId } from "@davit/protocol";
import { z } from "zod";
import { commandLabel } from "./command-label.ts";
import { type AskVersioned, ignoreBody, readReply } from "./request.ts";

const texts = z
	.record(z.string(), z.string())
	.nullish()
	.transform((value) => value ?? {});

interface AddressPool {
	readonly subnet?: string | undefined;
	readonly gateway?: string | undefined;
	readonly range?: string | undefined;
	readonly reserved?: Readonly<Record<string, string>> | undefined;
}

const NetworkReply = z
	.object({
		Name: z.string(),
		Driver: z.string(),
		EnableIPv6: z.boolean().default(false),
		Internal: z.boolean().default(false),
		Attachable: z.boolean().default(false),
		Labels: texts,
		Options: texts,
		IPAM: z.object({
			Driver: z.string().default("default"),
			Options: texts,
			Config: z
				.array(
					z.object({
						Subnet: z.string().optional(),
						Gateway: z.string().optional(),
						IPRange: z.string().optional(),
						AuxiliaryAddresses: z.record(z.string(), z.string()).nullish(),
					}),
				)
				.nullish(),
		}),
	})
	.transform((network) => ({
		...{ name: network.Name, driver: network.Driver, labels: network.Labels, options: network.Options },
		...{ isIPv6: network.EnableIPv6, isInternal: network.Internal, isAttachable: network.Attachable },
		addressing: {
			driver: network.IPAM.Driver,
			options: network.IPAM.Options,
			pools: (network.IPAM.Config ?? []).map(
				(pool): AddressPool => ({
					...{ subnet: pool.Subnet, gateway: pool.Gateway, range: pool.IPRange },
					reserved: pool.AuxiliaryAddresses ?? undefined,
				}),
			),
		},
	}));

/** A network with all that it takes to make it again. */
export type EngineNetwork = z.infer<typeof NetworkReply>;

export interface Networks {
	networks(signal: AbortSignal): Promise<readonly EngineNetwork[]>;
	/** The same network again, labelled with the command that made it. */
	createNetwork(network: EngineNetwork, command: CommandId, signal: AbortSignal): Promise<void>;
	/** Nothing happens where there is none. @throws OperationError docker-refused while a container is in it */
	removeNetwork(name: string, signal: AbortSignal): Promise<void>;
}

export function openNetworks(ask: AskVersioned): Networks {
	return {
		networks: async (signal) => {
			const purpose = "list the networks";
			const reply = await ask({ method: "GET", path: "/networks", purpose }, signal);
			return readReply(reply, z.array(NetworkReply), purpose);
		},
		createNetwork: async (network, command, signal) => {
			const purpose = `create network ${network.name}`;
			const body = wishOf(network, command);
			ignoreBody(await ask({ method: "POST", path: "/networks/create", body, purpose }, signal));
		},
		removeNetwork: async (name, signal) => {
			const purpose = `remove network ${name}`;
			const path = `/networks/${encodeURIComponent(name)}`;
			ignoreBody(await ask({ method: "DELETE", path, purpose }, signal, [404]));
		},
	};
}

function wishOf(network: EngineNetwork, command: CommandId): Readonly<Record<string, unknown>> {
	const { driver, options, pools } = network.addressing;
	return {
		...{ Name: network.name, Driver: network.driver, Options: network.options, CheckDuplicate: true },
		...{ EnableIPv6: network.isIPv6, Internal: network.isInternal, Attachable: network.isAttachable },
		Labels: { ...network.labels, [commandLabel]: command },
		IPAM: {
			...{ Driver: driver, Options: options },
			Config: pools.map(({ subnet, gateway, range, reserved }) => ({
				...{ Subnet: subnet, Gateway: gateway, IPRange: range, AuxiliaryAddresses: reserved },
			})),
		},
	};
}
