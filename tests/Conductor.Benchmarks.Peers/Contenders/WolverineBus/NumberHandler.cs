namespace Conductor.Benchmarks.Peers.Contenders.WolverineBus;

/// <summary>Handles both.</summary>
public static class NumberHandler
{
    /// <summary>Answers at once.</summary>
    /// <param name="ask">The question.</param>
    public static Answer Handle(Ask ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        return new Answer(ask.Number + 1);
    }

    /// <summary>Answers after it suspended once.</summary>
    /// <param name="ask">The question.</param>
    public static async Task<Answer> HandleAsync(AskLater ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        await Task.Yield();
        return new Answer(ask.Number + 1);
    }
}
