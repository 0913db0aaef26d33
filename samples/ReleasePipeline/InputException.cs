namespace ReleasePipeline;

/// <summary>The program was asked for something it cannot do; the message names the thing and the fix.</summary>
internal sealed class InputException(string message) : Exception(message);
