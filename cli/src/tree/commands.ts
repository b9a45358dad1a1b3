import { act, keep } from "./act.ts";
import { fleet } from "./fleet.ts";
import { look } from "./look.ts";
import type { CommandSpec } from "./spec.ts";

/** Everything that can be typed. */
export const groups: readonly { readonly title: string; readonly commands: readonly CommandSpec[] }[] = [
	{ title: "Look:", commands: look },
	{ title: "Act:", commands: act },
	{ title: "Keep:", commands: keep },
	{ title: "Fleet:", commands: fleet },
];

export const commands: readonly CommandSpec[] = groups.flatMap((group) => group.commands);
