import type { OptionSpec } from "./spec.ts";

/** Of everything that takes a policy. */
export const policyOptions: readonly OptionSpec[] = [
	{ flags: "--keep-last <number>", summary: "so many of each resource's newest archives stay" },
	{ flags: "--keep-hourly <number>", summary: "the newest of each of so many hours that have one" },
	{ flags: "--keep-daily <number>", summary: "of so many days" },
	{ flags: "--keep-weekly <number>", summary: "of so many ISO weeks" },
	{ flags: "--keep-monthly <number>", summary: "of so many months" },
	{ flags: "--keep-yearly <number>", summary: "of so many years" },
	{ flags: "--keep-within <duration>", summary: "all that are at most 30d, 12h, 1y older than the newest" },
	{ flags: "--keep-at-least <number>", summary: "so many good ones stay whatever the rest says" },
	{ flags: "--keep-zone <zone>", summary: "whose days, weeks, months they are; default UTC" },
	{ flags: "--keep-grace <duration>", summary: "how long what is marked can be undeleted; default 7d" },
];
