/** The editor and what compares texts are by far the largest part of the page: loaded where they are looked at. */
import { later } from "../ui/later";

export const Editor = later(() => import("./Editor").then((module) => module.Editor));
export const Comparison = later(() => import("./Comparison").then((module) => module.Comparison));
