namespace Conductor.Benchmarks;

/// <summary>A row that is written with each save.</summary>
/// <param name="Bytes">How many bytes.</param>
/// <param name="IsUpdate">Whether it replaces one that is there.</param>
internal readonly record struct RawWrite(int Bytes, bool IsUpdate);
