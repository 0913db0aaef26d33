namespace Conductor.AotSmoke;

/// <summary>Something that works elsewhere does not work in a program compiled ahead of time.</summary>
internal sealed class SmokeException(string message) : Exception(message)
{
    /// <summary>Throws unless a condition holds.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="what">What it means.</param>
    public static void ThrowUnless(bool condition, string what)
    {
        if (!condition)
        {
            throw new SmokeException($"Not so: {what}.");
        }
    }
}
