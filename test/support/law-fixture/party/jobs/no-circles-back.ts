import { a } from "./no-circles.ts"; export const b = (): number => a();
