import { readFileSync } from "node:fs";
import { z } from "zod";

const Package = z.object({ version: z.string() });

/** This Davit's version, as its package says. */
export const davitVersion = Package.parse(
	JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")),
).version;
