/** A check of the whole tree that ends with 0 or not. */
export interface Gate {
	readonly name: string;
	readonly argv: readonly [string, ...string[]];
}

const packages = ["protocol", "agents", "coordinator", "ha-integration", "cli", "test"];

/** What `npm run check` runs, in this order. Each has a planted violation in `test/violations/` that turns it red. */
export const gates: readonly Gate[] = [
	...packages.map((name): Gate => ({ name: `types:${name}`, argv: ["tsc", "--noEmit", "-p", name] })),
	{ name: "lint", argv: ["biome", "ci", "--colors=off", "--error-on-warnings", "."] },
	{ name: "promises", argv: ["oxlint", "--type-aware", "--deny-warnings", "."] },
	{ name: "boundaries", argv: ["turbo", "boundaries"] },
	{ name: "architecture", argv: ["node", "test/gates/architecture.ts"] },
	{ name: "dead-code", argv: ["knip", "--no-config-hints"] },
];
