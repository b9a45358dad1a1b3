/** The part of pino that libraries may use: object first, then a short constant sentence. */
export interface Logger {
	debug(context: object, sentence: string): void;
	info(context: object, sentence: string): void;
	warn(context: object, sentence: string): void;
	error(context: object, sentence: string): void;
}
