namespace FailureHandling;

/// <summary>Holds the printer's paper; empty at first.</summary>
internal sealed class PaperTray
{
    private volatile bool _hasPaper;

    /// <summary>Whether there is any.</summary>
    public bool HasPaper => _hasPaper;

    /// <summary>Puts some in.</summary>
    public void Refill() => _hasPaper = true;
}
