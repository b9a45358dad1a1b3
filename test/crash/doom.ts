import { z } from "zod";

export const Place = z.object({ point: z.string(), time: z.int().positive() });
/** A write by its name and how many of that name had come with it. */
export type Place = z.infer<typeof Place>;

/** When to die: at the n-th write from now, or at the n-th write of that name; `never` only counts. */
export const Doom = z.union([z.literal("never"), z.object({ write: z.int().positive() }), Place]);
export type Doom = z.infer<typeof Doom>;

/** What the test tells a mortal program over the channel it was forked with. */
const Order = z.union([z.object({ doom: Doom }), z.object({ tell: z.literal("points") })]);

/** What it answers. */
export const Word = z.union([
	z.object({ ready: z.literal(true) }),
	z.object({ doomed: z.literal(true) }),
	z.object({ points: z.array(z.string()) }),
]);
export type Word = z.infer<typeof Word>;

/**
 * Counts the places where a program writes its memory, and kills the program, truly, at the one it was told. The second
 * argument of the program is its doom from the start on; the test may give it another one at any time.
 */
export function awaitDoom(): (point: string) => void {
	let doom = Doom.parse(JSON.parse(process.argv[3] ?? '"never"'));
	let points: string[] = [];
	process.on("message", (message) => {
		const order = Order.parse(message);
		if ("tell" in order) process.send?.({ points });
		else {
			doom = order.doom;
			points = [];
			process.send?.({ doomed: true });
		}
	});
	// Nobody is left to wait for it.
	process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
	return (point) => {
		points.push(point);
		if (isDue(doom, points)) process.kill(process.pid, "SIGKILL");
	};
}

function isDue(doom: Doom, points: readonly string[]): boolean {
	if (doom === "never") return false;
	if ("write" in doom) return points.length === doom.write;
	return points.at(-1) === doom.point && timesOf(doom.point, points) === doom.time;
}

/** Every place of a life, as a doom. */
export function doomsOf(points: readonly string[]): Place[] {
	return points.map((point, index) => ({ point, time: timesOf(point, points.slice(0, index + 1)) }));
}

function timesOf(point: string, points: readonly string[]): number {
	return points.filter((other) => other === point).length;
}

/** Of these, the place right after the effect of each of these steps, and the one where the last of them is written down as done. */
export function afterEach(dooms: readonly Doom[], steps: readonly string[]): readonly Doom[] {
	const points = [...steps.map((step) => `before done ${step}`), `after done ${steps.at(-1)}`];
	return points.map((point) => {
		const found = dooms.find((doom) => typeof doom === "object" && "point" in doom && doom.point === point);
		if (found === undefined) throw new Error(`nothing was written at "${point}"`);
		return found;
	});
}
