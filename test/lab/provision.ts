import { installHomeAssistant } from "./home-assistant/install.ts";
import type { HomeAssistantVersion } from "./home-assistant/version.ts";
import { installPackages, type Part } from "./provision/install-packages.ts";
import { findEngine } from "./provision/unpack-engine.ts";

export type ProvisionWish = {
	readonly parts: readonly Part[];
	readonly homeAssistantVersions: readonly HomeAssistantVersion[];
};

/**
 * Makes sure that all programs of the parts are there: Debian packages on this machine, everything else in the cache.
 * Quick where nothing is missing; two minutes where all is.
 */
export async function provision(
	{ parts, homeAssistantVersions }: ProvisionWish,
	signal: AbortSignal,
): Promise<void> {
	await installPackages(parts, signal);
	if (parts.includes("hosts")) await findEngine("26.1", signal);
	// One after the other: each keeps two cores busy by itself.
	for (const version of homeAssistantVersions) await installHomeAssistant(version, signal);
}
