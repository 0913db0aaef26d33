namespace Conductor.Durability.Trials;

/// <summary>How a trial ended.</summary>
internal sealed record Outcome(bool Passed, string Figures);
