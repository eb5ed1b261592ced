export function Configuration() {
  return <h1>Configuration</h1>;
}
