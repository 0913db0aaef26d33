namespace Conductor.Threading;

/// <summary>
/// Whether work that comes again and again is expected to hold its thread for a moment only: it did one of the last two times. A pause of the
/// collector, or a thread that the system took away for a while, says nothing of the work that it hit.
/// </summary>
internal struct Briefness
{
    private bool _last;
    private bool _lastButOne;

    /// <summary>Whether it is expected to be brief; not before it was for the first time.</summary>
    public readonly bool IsBrief => _last || _lastButOne;

    /// <summary>Notes how it was this time.</summary>
    public void Note(bool isBrief) => (_last, _lastButOne) = (isBrief, _last);
}
