import type { Logger } from "@davit/protocol";
import type { Scene } from "./scene.ts";

const ignore = (): void => undefined;
const silent: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** The log of one life as lines of the story; a dead process writes none. */
export function storyLog(scene: Scene, name: string, life: { readonly isOver: boolean }): Logger {
	if (!scene.isTold) return silent;
	const line = (context: object, sentence: string): void => {
		if (!life.isOver) scene.story(`${name}: ${sentence} ${JSON.stringify(context)}`);
	};
	return { debug: ignore, info: line, warn: line, error: line };
}
