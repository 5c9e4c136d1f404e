import { b } from "./no-circles-back.ts"; export const a = (): number => b();
